#include "view/why.h"

#include <fmt/format.h>

#include <algorithm>

#include "answer/judge.h"
#include "answer/session.h"
#include "answer/target.h"
#include "offlining/offline_rules.h"
#include "page/address_facts.h"
#include "page/filtered_pages.h"

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

std::vector<OptionSpec> options() {
  return {{"fail-on", OptionSpec::Kind::choice, "WHAT", "exit with 1 if a block is blocked", {"blocked"}}};
}

struct Kept {
  MemoryModel model;
  WhyAnswer answer;
};

bool is_same(const OfflineUnit& one, const OfflineUnit& other) {
  return one.range.start == other.range.start && one.range.size == other.range.size;
}

/// Adds what a target means: its units, each once, its name, and where it is one page what that is.
Result<void> add_target(const Kernel& kernel, const MemoryModel& model, const std::string& text,
                        std::vector<OfflineUnit>& units, WhyAnswer& answer) {
  const auto target = parse_target(text);
  if (!target) return target.error();
  const auto place = place_of(kernel, model, *target);
  if (!place) return place.error();
  for (const OfflineUnit& unit : units_of(model, *target, *place)) {
    const auto same = [&unit](const OfflineUnit& other) { return is_same(unit, other); };
    if (std::none_of(units.begin(), units.end(), same)) units.push_back(unit);
  }
  answer.target += (answer.target.empty() ? "" : " ") + target->text;
  answer.target_kind = target_kind_name(target->kind);
  const std::string page = page_text(kernel, model, *target, *place);
  if (!page.empty()) answer.page += (answer.page.empty() ? "" : "\n") + page;
  return {};
}

Result<Answer> ask(Session& session, const Asked& asked) {
  auto model = session.load(placed_objects);
  if (!model) return std::move(model).error();
  const Kernel& kernel = session.kernel();
  const auto kept = std::make_shared<Kept>(Kept{std::move(*model), {}});
  WhyAnswer& answer = kept->answer;
  std::vector<OfflineUnit> units;
  for (const std::string& text : asked.targets) {
    auto found = add_target(kernel, kept->model, text, units, answer);
    if (!found) return std::move(found).error();
  }
  const OfflineRules rules = load_offline_rules(kernel, kept->model);
  note_filtered_pages(kernel, kept->model);
  answer.judgements = judge_units(session, kept->model, rules, units, asked.threads);
  look_up_owners(kernel, kept->model, answer.judgements);
  answer.plan = plan_offlining(answer.judgements);
  Report report = make_why_report(answer);
  report.notes = kept->model.notes;
  const bool found =
      asked.options.has("fail-on") && overall_verdict(answer.judgements) == OfflineVerdict::blocked;
  return Answer{std::move(report), kept->model.incomplete || lacks_evidence(answer.judgements), found, kept};
}

}  // namespace

const Question why_question{
    .name = "why",
    .summary = "explain why a memory block, section, node, page or range cannot be removed",
    .help =
        R"(TARGET is memoryN, section:N, node:N, pfn:N, phys:ADDRESS, virt:ADDRESS or range:FIRST-LAST, the addresses of a DIMM.
The reasons come strongest first, each with its evidence: what stays as long as this kernel runs, then what blocks it
now, then hints of what may keep migration from completing. A kernel booted with page_owner=on also tells who allocated the
first page of each, with the stack.

Examples:
  memsect why memory35 vmcore vmlinux
  memsect why node:1 vmcore vmlinux
  memsect why range:0x100000000-0x13fffffff vmcore
  memsect why memory35 --json | jq '.data.reasons[] | .code')",
    .columns = why_columns,
    .options = options,
    .ask = ask,
    .targets = Question::Targets::several};

}  // namespace memsect
