// `memsect extract`: what went into the new dump.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/extract_plan.h"
#include "render/report.h"

namespace memsect {

/// The file that was written.
struct ExtractFile {
  std::string path;
  std::string_view format;  ///< "kdump", "elf"
  std::uint64_t size = 0;   ///< bytes
};

/// The columns, for --help and the manual.
std::span<const Column> extract_columns();

Report make_extract_report(const ExtractPlan& plan, const ExtractFile& file);

}  // namespace memsect
