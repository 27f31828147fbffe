#include "view/addr.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/target.h"
#include "page/address_facts.h"

namespace memsect {
namespace {

/// Where objects are looked for: at the very byte of an address, in the whole page otherwise.
PhysRange place_of(const MemoryGeometry& geometry, const Target& target, PhysAddr at) {
  const bool is_byte = target.kind == Target::Kind::phys || target.kind == Target::Kind::virt;
  return {at, is_byte ? 1 : geometry.page_size()};
}

Result<int> run(CommonOptions& common) {
  auto target = parse_target(common.target);
  if (!target) return std::move(target).error();
  auto loaded = load(common, placed_objects);
  if (!loaded) return std::move(loaded).error();
  const Kernel& kernel = (*loaded)->kernel;
  const MemoryModel& model = (*loaded)->model;
  AddrAnswer answer{target->text, target_kind_name(target->kind), {}, {}};
  if (target->kind == Target::Kind::virt) {
    answer.facts = facts_at(kernel, model, VirtAddr(target->first));
  } else {
    auto range = range_of_target(model, *target);
    if (!range) return std::move(range).error();
    answer.facts = facts_at(kernel, model, range->start);
  }
  if (answer.facts.phys)
    answer.objects = objects_at(model, place_of(model.geometry, *target, *answer.facts.phys));
  Report report = make_addr_report(model, answer);
  report.notes = model.notes;
  return write_report(report, kernel, common, model.incomplete);
}

RunCommand add(CLI::App&, CommonOptions& common) {
  return [&common] { return run(common); };
}

}  // namespace

const Command addr_command{
    "addr",
    "what is at an address: section, zone, object, struct page",
    R"(TARGET is pfn:N, phys:ADDRESS or virt:ADDRESS (hexadecimal behind 0x); section:N, memoryN, node:N and
range:FIRST-LAST stand for their first page. `object` is what of the memory model lies there: at that
very byte for phys and virt, anywhere in the page for the others. page.type is what the struct page says
of the page's use; none is memory on which the kernel leaves no mark. page.stale: the memory is not
online, and its struct page is old or was never written.

Examples:
  memsect addr pfn:0x10000 vmcore vmlinux
  memsect addr virt:0xffff888000100000 vmcore vmlinux
  memsect addr phys:0x100000000 --json vmcore vmlinux | jq .data.page)",
    addr_columns,
    add,
    true};

}  // namespace memsect
