// A small, thread-safe LRU cache of byte blocks: raw blocks of a file, or pages that cost a decompression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace memsect {

using Block = std::vector<std::byte>;

/// Keeps the last `capacity` blocks. A block in use stays alive through its shared_ptr after eviction. Failed
/// loads are not remembered. This holds the library's only lock; loading runs outside of it.
class BlockCache {
 public:
  using Loader = std::function<Result<Block>(std::uint64_t key)>;

  explicit BlockCache(std::size_t capacity) : capacity_(capacity) {}

  /// The block of `key`, from the cache or made by `load`. Two threads may load the same block once each.
  Result<std::shared_ptr<const Block>> get(std::uint64_t key, const Loader& load);

 private:
  struct Entry {
    std::uint64_t key;
    std::shared_ptr<const Block> block;
  };
  std::shared_ptr<const Block> find(std::uint64_t key);

  std::size_t capacity_;
  std::mutex lock_;
  std::list<Entry> newest_first_;
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> index_;
};

}  // namespace memsect
