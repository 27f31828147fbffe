#include "view/addr.h"

#include <fmt/format.h>
#include "answer/session.h"

#include "answer/target.h"
#include "page/address_facts.h"

namespace memsect {
namespace {

/// Where objects are looked for: at the very byte of an address, in the whole page otherwise.
PhysRange place_of(const MemoryGeometry& geometry, const Target& target, PhysAddr at) {
  const bool is_byte = target.kind == Target::Kind::phys || target.kind == Target::Kind::virt;
  return {at, is_byte ? 1 : geometry.page_size()};
}

std::vector<OptionSpec> options() { return {}; }

struct Kept {
  MemoryModel model;
  AddrAnswer answer;
};

Result<Answer> ask(Session& session, const Asked& asked) {
  auto target = parse_target(asked.targets.front());
  if (!target) return std::move(target).error();
  auto model = session.load(placed_objects);
  if (!model) return std::move(model).error();
  const auto kept =
      std::make_shared<Kept>(Kept{std::move(*model), {target->text, target_kind_name(target->kind), {}, {}}});
  AddrAnswer& answer = kept->answer;
  if (target->kind == Target::Kind::virt) {
    answer.facts = facts_at(session.kernel(), kept->model, VirtAddr(target->first));
  } else {
    auto range = range_of_target(kept->model, *target);
    if (!range) return std::move(range).error();
    answer.facts = facts_at(session.kernel(), kept->model, range->start);
  }
  if (answer.facts.phys)
    answer.objects = objects_at(kept->model, place_of(kept->model.geometry, *target, *answer.facts.phys));
  Report report = make_addr_report(kept->model, answer);
  report.notes = kept->model.notes;
  return Answer{std::move(report), kept->model.incomplete, false, kept};
}

}  // namespace

const Question addr_question{
    .name = "addr",
    .summary = "describe an address or page: section, zone, object, struct page",
    .help =
        R"(TARGET is pfn:N, phys:ADDRESS or virt:ADDRESS (hexadecimal with a 0x prefix); section:N, memoryN, node:N
and range:FIRST-LAST stand for their first page. `object` is what of the memory model lies there: at that
very byte for phys and virt, anywhere in the page for the others. page.type is what the struct page says
of the page's use; none is memory on which the kernel leaves no mark. page.stale: the memory is not
online, and its struct page is old or was never written.

Examples:
  memsect addr pfn:0x10000 vmcore vmlinux
  memsect addr virt:0xffff888000100000 vmcore vmlinux
  memsect addr phys:0x100000000 --json vmcore vmlinux | jq .data.page)",
    .columns = addr_columns,
    .options = options,
    .ask = ask,
    .targets = Question::Targets::one};

}  // namespace memsect
