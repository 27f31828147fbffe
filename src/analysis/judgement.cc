#include "analysis/judgement.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/object_kinds.h"
#include "analysis/words.h"

namespace memsect {
namespace {

constexpr std::size_t most_texts = 12;  // of one kind
constexpr std::size_t most_kinds = 16;
constexpr std::size_t most_gaps = 8;

}  // namespace

Judgement::Judgement(const MemoryModel& model)
    : model_(model), early_is_marked_(marks_early_sections(model)) {}

void Judgement::find(std::string_view kind, std::string text) {
  auto at = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& known) { return known.name == kind; });
  if (at == kinds_.end()) {
    if (kinds_.size() == most_kinds) return void(++kinds_.back().count);
    at = kinds_.insert(kinds_.end(), Kind{kind, {}, 0});
  }
  ++at->count;
  if (at->texts.size() < most_texts) at->texts.push_back(std::move(text));
}

Judgement::Gap& Judgement::gap(std::string_view what, const Error& error) {
  const std::string_view reason = absence_reason(error.code);
  for (Gap& known : gaps_) {
    if (known.what == what && known.reason == reason) return known;
  }
  gaps_.push_back({std::string(what), std::string(reason), error.message, {}});
  return gaps_.back();
}

void Judgement::miss(std::string_view what, SectionNr section, const Error& error) {
  if (error.code != Errc::not_applicable) gap(what, error).sections.push_back(section);
}

void Judgement::miss(std::string_view what, const Error& error) {
  if (error.code != Errc::not_applicable) gap(what, error);
}

bool Judgement::has_numbers(const Node& node) {
  if (!node.numbers) miss(fmt::format("the numbers of node {}", raw(node.id)), node.numbers.error());
  return node.numbers.has_value();
}

bool Judgement::has_numbers(const Node& node, const Zone& zone) {
  if (!zone.numbers) miss("the numbers of " + zone_text(node, zone), zone.numbers.error());
  return zone.numbers.has_value();
}

void Judgement::expect_present(std::string_view object, std::span<const PhysRange> phys) {
  for (const SectionNr nr : model_.geometry.sections_of(phys)) {
    if (model_.find_section(nr) != nullptr || model_is_short()) continue;
    find("objects outside of present sections",
         fmt::format("{} lies in section {}, which is not present", object, nr.raw()));
  }
}

void Judgement::expect_nodes() {
  if (model_.nodes.empty()) miss("the nodes", Error{Errc::not_in_dump, "no node could be read", {}});
}

CheckResult Judgement::finish() && {
  CheckResult result;
  for (Kind& kind : kinds_) {
    const std::uint64_t more = kind.count - kind.texts.size();
    result.found += kind.count;
    for (std::string& text : kind.texts) result.findings.push_back(std::move(text));
    if (more > 0) result.findings.push_back(fmt::format("and {} more {}", more, kind.name));
  }
  std::string gaps;
  for (std::size_t i = 0; i < gaps_.size() && i <= most_gaps; ++i) {
    const Gap& one = gaps_[i];
    if (!gaps.empty()) gaps += "; ";
    if (i == most_gaps) {
      gaps += "and more";
      break;
    }
    gaps += one.what;
    if (!one.sections.empty()) gaps += " of " + sections_text(one.sections);
    gaps += fmt::format(" ({}: {})", one.reason, one.message);
  }
  if (model_.incomplete) {
    gaps += fmt::format("{}part of the memory model (see the warnings)", gaps.empty() ? "" : "; ");
  }
  if (!gaps.empty()) result.why = "not readable: " + gaps;
  if (result.found > 0)
    result.verdict = Verdict::violated;
  else if (!gaps.empty())
    result.verdict = Verdict::undecided;
  return result;
}

CheckResult nothing_to_judge(std::string why) {
  return {Verdict::holds, {}, 0, "not applicable: " + std::move(why)};
}

bool overlap(const PfnRange& a, const PfnRange& b) {
  // Differences do not overflow where a hostile end would.
  return !a.empty() && !b.empty() && (b.contains(a.start) || a.contains(b.start));
}

PfnRange pages_of(const MemoryModel& model, SectionNr nr) {
  return {model.geometry.section_nr_to_pfn(nr), model.geometry.pages_per_section()};
}

std::string pages_text(const PfnRange& pages) {
  if (pages.empty()) return "nothing";
  return fmt::format("{:#x}-{:#x}", pages.start.raw(), (pages.end() - 1).raw());
}

std::string zone_text(const Node& node, const Zone& zone) {
  return fmt::format("zone {} of node {}", zone.name, raw(node.id));
}

std::span<const Section> sections_of(const MemoryModel& model, const MemoryBlock& block) {
  const std::uint64_t per_block = model.geometry.sections_per_block;
  if (per_block == 0 || block.id > model.geometry.nr_mem_sections() / per_block) return {};
  return model.sections_from(SectionNr(block.id * per_block), per_block);
}

}  // namespace memsect
