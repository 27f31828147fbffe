// Virtual to physical, in ranges. Implemented by the page-table walkers of src/arch.
#pragma once

#include <cstdint>
#include <functional>
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

/// A page table below the top one, which is part of the kernel image.
struct PageTable {
  PhysAddr phys;
  std::uint64_t bytes = 0;
  unsigned depth = 0;      ///< 1: the top table leads to it
  VirtAddr start;          ///< of the addresses it translates
  std::uint64_t size = 0;  ///< and how many
};

/// Hears of page tables in the order of the addresses that they translate, each before those below it.
struct TableListener {
  std::function<void(const PageTable&)> found;
  /// The entry for `at` could not be read or made no sense: what lies below it is not heard of.
  std::function<void(VirtAddr at, const Error& why)> lost;
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
  /// How many bytes the page tables map by the one leaf that maps `at`, or by those that the processor was told to take
  /// as one; 0 where they map nothing. `not_applicable` where there are no page tables.
  virtual Result<std::uint64_t> leaf_size_at(VirtAddr at) const {
    static_cast<void>(at);
    return Error{Errc::not_applicable, "this machine translates without page tables", {}};
  }
  /// The page tables that [start, start + size) is translated by. The lowest ones are named by those above them and not
  /// read. `not_applicable` where there are no page tables.
  virtual Result<void> visit_tables(VirtAddr start, std::uint64_t size, const TableListener& listener) const {
    static_cast<void>(start), static_cast<void>(size), static_cast<void>(listener);
    return Error{Errc::not_applicable, "this machine translates without page tables", {}};
  }
};

}  // namespace memsect
