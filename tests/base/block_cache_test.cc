#include "base/block_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace memsect {
namespace {

Block block_of(std::uint64_t key) { return Block(4, static_cast<std::byte>(key)); }

/// A cache and a count of how often it had to load.
struct Counted {
  explicit Counted(std::size_t capacity) : cache(capacity) {}
  void touch(std::uint64_t key) {
    const auto block = cache.get(key, [this](std::uint64_t wanted) -> Result<Block> {
      ++loads;
      return block_of(wanted);
    });
    ASSERT_TRUE(block);
    EXPECT_EQ(**block, block_of(key));
  }
  BlockCache cache;
  unsigned loads = 0;
};

TEST(BlockCache, LoadsABlockOnce) {
  Counted c(2);
  for (int i = 0; i < 3; ++i) c.touch(7);
  EXPECT_EQ(c.loads, 1U);
}

TEST(BlockCache, DropsTheBlockThatWasUsedLeastRecently) {
  Counted c(2);
  c.touch(1);
  c.touch(2);
  c.touch(1);  // 2 is now the older one
  c.touch(3);
  EXPECT_EQ(c.loads, 3U);
  c.touch(1);
  c.touch(3);
  EXPECT_EQ(c.loads, 3U);
  c.touch(2);
  EXPECT_EQ(c.loads, 4U);
}

TEST(BlockCache, KeepsAnEvictedBlockAliveWhileItIsInUse) {
  BlockCache cache(1);
  const auto load = [](std::uint64_t key) -> Result<Block> { return block_of(key); };
  const std::shared_ptr<const Block> first = *cache.get(1, load);
  const std::weak_ptr<const Block> second = *cache.get(2, load);
  EXPECT_FALSE(second.expired());
  ASSERT_TRUE(cache.get(3, load));
  EXPECT_EQ(*first, block_of(1));
  EXPECT_TRUE(second.expired()) << "nobody used it";
}

TEST(BlockCache, DoesNotRememberFailures) {
  BlockCache cache(2);
  const auto failed = cache.get(1, [](std::uint64_t) -> Result<Block> { return Error{Errc::io, "no", {}}; });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::io);
  EXPECT_TRUE(cache.get(1, [](std::uint64_t key) -> Result<Block> { return block_of(key); }));
}

TEST(BlockCache, ServesManyThreadsWithTheRightBlocks) {
  BlockCache cache(4);  // fewer than the keys, so that threads evict each other's blocks
  std::atomic<unsigned> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &wrong, t] {
      for (std::uint64_t i = 0; i < 2000; ++i) {
        const std::uint64_t key = (i * (t + 3)) % 16;
        const auto block =
            cache.get(key, [](std::uint64_t wanted) -> Result<Block> { return block_of(wanted); });
        if (!block || **block != block_of(key)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace memsect
