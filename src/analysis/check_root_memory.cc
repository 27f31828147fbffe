// Section roots and their table lie in present memory.
//
// The table is allocated from memblock when the first range is registered (STATIC: part of the kernel image), roots from
// memblock at boot or from slab at hot-plug (sparse_index_alloc()). None of them is ever freed, so no section that holds
// one can have gone.
#include <fmt/format.h>

#include "analysis/judgement.h"

namespace memsect {
namespace {

CheckResult run(const MemoryModel& model) {
  Judgement judgement(model);
  if (model.root_table)
    judgement.expect_present("the table of section roots", model.root_table->phys);
  else
    judgement.miss("the table of section roots", model.root_table.error());
  for (const SectionRoot& root : model.roots) {
    const std::string name = fmt::format("section root {}", root.index);
    if (root.placement.phys.empty())
      judgement.miss(name, Error{Errc::not_mapped, "its physical address is not known", {}});
    else
      judgement.expect_present(name, root.placement.phys);
  }
  return std::move(judgement).finish();
}

}  // namespace

const Check root_memory_check{"root_memory", "section roots and their table lie in present sections", run};

}  // namespace memsect
