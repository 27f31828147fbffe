// Memory that the caller of the library reads: struct memsect_memory.
#pragma once

#include <vector>

#include "base/block_cache.h"
#include "memory/physical_memory.h"
#include "memsect/memsect.h"

namespace memsect {

/// Pages by the caller's function, the last ones kept. A page that cannot be read is `not_in_dump`.
class CallerMemory final : public PhysicalMemory {
 public:
  CallerMemory(const memsect_memory& memory, std::vector<PhysRange> ranges);

  Result<std::vector<PhysRange>> ranges() const override { return ranges_; }
  Result<View> view(PhysAddr at, std::size_t want) const override;

 private:
  Result<Block> read_page(std::uint64_t number) const;

  void* context_;
  int (*read_)(void*, std::uint64_t, void*, std::size_t);
  std::vector<PhysRange> ranges_;
  mutable BlockCache pages_;  // by page number
};

/// `ranges` sorted and without overlap; all addresses where there are none. `usage` where one ends beyond 2^64.
Result<std::vector<PhysRange>> ranges_of(const memsect_memory& memory);

}  // namespace memsect
