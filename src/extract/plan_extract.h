// Decides what an extract of a dump holds.
#pragma once

#include "base/result.h"
#include "model/extract_plan.h"

namespace memsect {

class Kernel;
struct AccessRecord;

struct ExtractChoice {
  bool types = true;  ///< the kernel's BTF and its symbol table (kallsyms)
};

/// Runs every decoder over the kernel, whose memory notes in `record` what they read, and adds the objects of
/// the memory model as a whole: page tables, section roots, usages, pgdats, memmap. Pages that
/// are free, page cache, anonymous or mapped do not get in, whatever pointer led there.
Result<ExtractPlan> plan_extract(const Kernel& kernel, const AccessRecord& record,
                                 const ExtractChoice& choice);

}  // namespace memsect
