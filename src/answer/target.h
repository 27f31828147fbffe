// TARGET: what `why` and `addr` ask about. It says itself what kind of number it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/position.h"
#include "base/result.h"
#include "model/memory_model.h"

namespace memsect {

/// A TARGET as typed: `memory35`, `memory32-35`, `section:35`, `section:32-35`, `node:1`, `pfn:0x100000`,
/// `phys:0x100000000`, `virt:0xffff...` (or the address alone), `range:0x100000000-0x13fffffff`, `range:4G-5G`.
struct Target {
  enum class Kind { block, section, node, pfn, phys, virt, range };
  Kind kind = Kind::phys;
  std::uint64_t first = 0, last = 0;  ///< inclusive; the same where it is one
  std::string text;                   ///< as typed
};

/// "block", "section", ...
std::string_view target_kind_name(Target::Kind kind);

/// `usage`, with the forms in the hint, for what is none of them.
Result<Target> parse_target(std::string_view text);
/// Whether the text begins as targets do: a file of that name would have to be written with a path.
bool looks_like_target(std::string_view text);

/// The physical memory that a target means; that of a byte for phys. `usage` for a number that this kernel does not
/// have. Not for virt, which only the page tables can answer.
Result<PhysRange> range_of_target(const MemoryModel& model, const Target& target);

}  // namespace memsect
