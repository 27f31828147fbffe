// `memsect info`: the numbers of the memory model and where each came from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "model/memory_model.h"
#include "render/report.h"

namespace memsect {

/// What the memory model does not know: the dump and the address space.
struct InfoFacts {
  std::optional<std::int64_t> phys_base;
  std::optional<std::uint64_t> kaslr_offset;
  std::optional<VirtAddr> page_offset;
  Object dump;  ///< format, level, compression, parts, truncated, excluded
};

/// The columns, for --help and the manual.
std::span<const Column> info_columns();

Report make_info_report(const MemoryModel& model, const InfoFacts& facts);

}  // namespace memsect
