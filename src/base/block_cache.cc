#include "base/block_cache.h"

namespace memsect {

std::shared_ptr<const Block> BlockCache::find(std::uint64_t key) {
  const std::lock_guard guard(lock_);
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  newest_first_.splice(newest_first_.begin(), newest_first_, found->second);
  return found->second->block;
}

Result<std::shared_ptr<const Block>> BlockCache::get(std::uint64_t key, const Loader& load) {
  if (auto cached = find(key)) return cached;
  auto loaded = load(key);
  if (!loaded) return std::move(loaded).error();
  auto block = std::make_shared<const Block>(std::move(*loaded));

  const std::lock_guard guard(lock_);
  if (const auto other = index_.find(key); other != index_.end()) return other->second->block;
  newest_first_.push_front({key, block});
  index_.emplace(key, newest_first_.begin());
  if (index_.size() > capacity_) {
    index_.erase(newest_first_.back().key);
    newest_first_.pop_back();
  }
  return block;
}

}  // namespace memsect
