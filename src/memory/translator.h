// Virtual to physical, in ranges. Implemented by the page-table walkers of src/arch.
#pragma once

#include <cstdint>
#include <optional>

#include "base/position.h"
#include "base/result.h"

namespace memsect {

/// A stretch of virtual addresses that is mapped to consecutive physical ones, or, without `phys`, a hole.
/// `start` is the address that was asked for; the stretch reaches as far as was learnt without extra reads.
struct Mapping {
  VirtAddr start;
  std::uint64_t size = 0;
  std::optional<PhysAddr> phys;
};

/// The kernel's address space. Immutable, shareable.
class Translator {
 public:
  virtual ~Translator() = default;
  /// What lies at `at` and how far it reaches (size >= 1). A hole is an answer, not an error; errors are page
  /// tables that cannot be read (their code says why) or make no sense (`corrupt`).
  virtual Result<Mapping> mapping_at(VirtAddr at) const = 0;
  /// The same by the page tables alone, without what is known of the kernel image beforehand.
  virtual Result<Mapping> table_mapping_at(VirtAddr at) const { return mapping_at(at); }
};

}  // namespace memsect
