#include "view/why.h"

#include <fmt/format.h>
#include "answer/session.h"

#include "answer/judge.h"
#include "answer/target.h"
#include "offlining/offline_rules.h"
#include "page/address_facts.h"

namespace memsect {
namespace {

/// The physical memory a target means; a virtual address is looked up in the page tables.
Result<PhysRange> place_of(const Kernel& kernel, const MemoryModel& model, const Target& target) {
  if (target.kind != Target::Kind::virt) return range_of_target(model, target);
  auto phys = kernel.space().translate(VirtAddr(target.first));
  if (!phys) return std::move(phys).error().within(target.text);
  return PhysRange{*phys, 1};
}

bool belongs(const MemoryModel& model, const Target& target, const MemoryBlock& block, PhysRange place) {
  // A node's span may contain blocks of another, and lacks its own that were never put online.
  if (target.kind == Target::Kind::node && block.node)
    return static_cast<std::uint64_t>(raw(*block.node)) == target.first;
  const PhysRange range = unit_of_block(model, block).range;
  return range.start < place.end() && place.start < range.end();
}

std::vector<OfflineUnit> units_of(const MemoryModel& model, const Target& target, PhysRange place) {
  std::vector<OfflineUnit> units;
  if (target.kind != Target::Kind::section && model.blocks) {
    for (const MemoryBlock& block : *model.blocks) {
      if (belongs(model, target, block, place)) units.push_back(unit_of_block(model, block));
    }
  }
  if (!units.empty()) return units;
  for (const Section& section : model.sections) {
    const PhysRange range = model.geometry.section_range(section.nr);
    if (range.start < place.end() && place.start < range.end())
      units.push_back(unit_of_section(model, section));
  }
  return units;
}

/// One page is asked for: what it is.
std::string page_text(const Kernel& kernel, const MemoryModel& model, const Target& target, PhysRange place) {
  using Kind = Target::Kind;
  if (target.kind != Kind::pfn && target.kind != Kind::phys && target.kind != Kind::virt) return {};
  const AddressFacts facts = facts_at(kernel, model, place.start);
  const std::uint64_t pfn = model.geometry.phys_to_pfn(place.start).raw();
  if (facts.section == nullptr) return fmt::format("No section covers pfn {:#x}.", pfn);
  if (!facts.page)
    return fmt::format("The struct page of pfn {:#x} cannot be had: {}.", pfn, facts.page.error().message);
  if (facts.stale) return fmt::format("pfn {:#x} is not online: its struct page says nothing.", pfn);
  const PageDetails& page = *facts.page;
  const std::string cache = page.slab_cache ? fmt::format(" of the cache {}", *page.slab_cache) : "";
  return fmt::format("pfn {:#x} is of type {}{}, with {} references; `memsect addr pfn:{:#x}` says more.",
                     pfn, page.type, cache, page.refcount, pfn);
}

std::vector<OptionSpec> options() { return {}; }

struct Kept {
  MemoryModel model;
  WhyAnswer answer;
};

Result<Answer> ask(Session& session, const Asked& asked) {
  auto target = parse_target(asked.target);
  if (!target) return std::move(target).error();
  auto model = session.load(placed_objects);
  if (!model) return std::move(model).error();
  const Kernel& kernel = session.kernel();
  auto place = place_of(kernel, *model, *target);
  if (!place) return std::move(place).error();
  const auto kept = std::make_shared<Kept>(
      Kept{std::move(*model), {target->text, target_kind_name(target->kind), {}, {}, {}}});
  WhyAnswer& answer = kept->answer;
  const OfflineRules rules = load_offline_rules(kernel, kept->model);
  answer.page = page_text(kernel, kept->model, *target, *place);
  answer.judgements =
      judge_units(session, kept->model, rules, units_of(kept->model, *target, *place), asked.threads);
  look_up_owners(kernel, kept->model, answer.judgements);
  answer.plan = plan_offlining(answer.judgements);
  Report report = make_why_report(answer);
  report.notes = kept->model.notes;
  return Answer{std::move(report), kept->model.incomplete || lacks_evidence(answer.judgements), false, kept};
}

}  // namespace

const Question why_question{
    .name = "why",
    .summary = "why a memory block, section, node, page or range cannot go",
    .help =
        R"(TARGET is memoryN, section:N, node:N, pfn:N, phys:ADDRESS, virt:ADDRESS or range:FIRST-LAST, the addresses of a DIMM.
The reasons come strongest first, each with its evidence: what stays as long as this kernel runs, then what is in the way
now, then hints of what may keep migration from ending. A kernel booted with page_owner=on also tells who allocated the
first page of each, with the stack.

Examples:
  memsect why memory35 vmcore vmlinux
  memsect why node:1 vmcore vmlinux
  memsect why range:0x100000000-0x13fffffff vmcore
  memsect why memory35 --json | jq '.data.reasons[] | .code')",
    .columns = why_columns,
    .options = options,
    .ask = ask,
    .takes_target = true};

}  // namespace memsect
