#include "view/why.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "analysis/words.h"
#include "view/cells.h"
#include "view/removable.h"

namespace memsect {
namespace {

constexpr std::array<Column, 6> columns{{
    {"BLOCK", "memory block, or section"},
    {"VERDICT", "can it be put offline", Align::left, false},
    {"SEVERITY", "permanent, now, or hint"},
    {"CODE", "kind of reason"},
    {"COUNT", "pages, pageblocks or objects", Align::right},
    {"REASON", "in words"},
}};

constexpr std::size_t most_shown_pages = 3;
constexpr std::size_t most_blocks_in_words = 8;

std::string place_text(const OfflineUnit& unit) {
  std::string text = fmt::format("{:#x}-{:#x}", unit.range.start.raw(), unit.range.end().raw() - 1);
  for (const Section* section : unit.sections) {
    if (!section->node) continue;
    text += fmt::format(", node {}", raw(*section->node));
    break;
  }
  if (unit.block != nullptr && unit.block->zone && !unit.block->zone->empty())
    text += ", zone " + *unit.block->zone;
  if (unit.block != nullptr) text += ", " + unit.block->state;
  return text;
}

std::string verdict_text(const OfflineJudgement& judgement) {
  switch (judgement.verdict) {
    case OfflineVerdict::blocked:
      if (judgement.error == "EINTR")
        return "cannot be put offline, the kernel tries until it is interrupted (EINTR):";
      return fmt::format("cannot be offlined, the kernel returns {}:", judgement.error);
    case OfflineVerdict::no_blocker_found:
      return "has no blocker in this dump; this is no guarantee, since pages can be allocated or pinned at "
             "any time";
    case OfflineVerdict::unknown:
      return "may or may not be put offline, the evidence is not all there:";
    case OfflineVerdict::offline:
      return "is offline";
    case OfflineVerdict::no_block:
      return "is in no memory block, there is nothing to put offline";
  }
  return "";
}

/// "first at pfn 0x1234 and 0x1300, in 3 pageblocks".
std::string evidence_text(const Reason& reason) {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (reason.address)
    add(fmt::format("{} at {:#x}", reason.count > 1 ? "first" : "object", reason.address->raw()));
  if (!reason.first_pages.empty()) {
    std::string pages;
    for (std::size_t i = 0; i < std::min(reason.first_pages.size(), most_shown_pages); ++i)
      pages += fmt::format("{}{:#x}", i == 0 ? "" : ", ", reason.first_pages[i].raw());
    add(fmt::format("{}pfn {}", reason.first_pages.size() > 1 ? "first " : "", pages));
  }
  if (reason.pageblock_count > 1) add(fmt::format("in {} pageblocks", reason.pageblock_count));
  return text.empty() ? "" : " [" + text + "]";
}

/// Who allocated the first page, a line a frame of the stack.
std::string owner_text(const Reason& reason) {
  const auto lost = [](const Error& error) { return error.code != Errc::not_applicable; };
  if (!reason.owner && !lost(reason.owner.error())) return {};
  const std::uint64_t pfn = reason.first_pages.front().raw();
  if (!reason.owner)
    return fmt::format("\n     who allocated pfn {:#x} cannot be had: {}", pfn, reason.owner.error().message);
  const PageOwner& owner = *reason.owner;
  std::string text = fmt::format("\n     pfn {:#x} was allocated by {}", pfn, page_owner_text(owner));
  if (!owner.stack && lost(owner.stack.error()))
    text += "\n       its stack cannot be had: " + owner.stack.error().message;
  for (const std::string& frame : owner.frames) text += "\n       " + frame;
  return text;
}

std::string chain_text(const OfflineJudgement& judgement) {
  std::string text = fmt::format("{} ({}) {}", unit_name(judgement.unit), place_text(judgement.unit),
                                 verdict_text(judgement));
  const bool lists = text.back() == ':';
  if (!lists) text += judgement.reasons.empty() ? "." : ". To know:";
  std::size_t number = 0;
  for (const Reason& reason : judgement.reasons) {
    const bool hint = reason.severity == ReasonSeverity::hint;
    text += fmt::format("\n  {}. {}{}{}{}", ++number, hint && lists ? "(hint) " : "", reason.text,
                        evidence_text(reason), owner_text(reason));
  }
  if (judgement.verdict != OfflineVerdict::no_block)
    text += fmt::format("\n  To remove it: {}.", judgement.remove_text);
  return text;
}

std::string names_of(const std::vector<OfflineJudgement>& judgements, const std::vector<std::size_t>& plan) {
  std::string text;
  std::size_t shown = 0;
  for (const std::size_t i : plan) {
    if (++shown > 4 * most_blocks_in_words) return text + fmt::format(", ... ({} in all)", plan.size());
    text += (text.empty() ? "" : ", ") + unit_name(judgements[i].unit);
  }
  return text;
}

/// A target of several blocks: the count, each blocked one with its strongest reason, and the order of the rest.
std::vector<std::string> overview(const WhyAnswer& answer) {
  if (overall_verdict(answer.judgements) == OfflineVerdict::no_block) {
    const auto& reasons = answer.judgements.front().reasons;
    return {fmt::format("{} is in no memory block, there is nothing to put offline{}{}.", answer.target,
                        reasons.empty() ? "" : ": ", reasons.empty() ? "" : reasons.front().text)};
  }
  const auto blocked = static_cast<std::size_t>(std::count_if(
      answer.judgements.begin(), answer.judgements.end(),
      [](const OfflineJudgement& judgement) { return judgement.verdict == OfflineVerdict::blocked; }));
  std::vector<std::string> paragraphs;
  paragraphs.push_back(blocked > 0 ? fmt::format("{} cannot go as a whole: {} of its {} blocks are blocked.",
                                                 answer.target, blocked, answer.judgements.size())
                                   : fmt::format("Nothing in this dump blocks the {} blocks of {}.",
                                                 answer.judgements.size(), answer.target));
  if (!answer.plan.empty()) {
    paragraphs.push_back(
        fmt::format("These could go, in this order: {}.", names_of(answer.judgements, answer.plan)));
  }
  return paragraphs;
}

std::vector<std::string> paragraphs_of(const WhyAnswer& answer) {
  std::vector<std::string> paragraphs;
  if (!answer.page.empty()) paragraphs.push_back(answer.page);
  if (answer.judgements.size() > 1) {
    for (std::string& paragraph : overview(answer)) paragraphs.push_back(std::move(paragraph));
  }
  std::size_t shown = 0, left = 0;
  for (const OfflineJudgement& judgement : answer.judgements) {
    const bool several = answer.judgements.size() > 1;
    if (several && judgement.verdict != OfflineVerdict::blocked &&
        judgement.verdict != OfflineVerdict::unknown)
      continue;
    if (shown++ < most_blocks_in_words) {
      paragraphs.push_back(chain_text(judgement));
    } else {
      ++left;
    }
  }
  if (left > 0) {
    paragraphs.push_back(fmt::format("And {} more blocks: `memsect removable` has a line for each.", left));
  }
  if (answer.judgements.empty()) paragraphs.push_back(answer.target + " has no memory that is present.");
  return paragraphs;
}

Value reasons_value(const WhyAnswer& answer) {
  std::vector<std::pair<ReasonSeverity, Value>> all;
  for (const OfflineJudgement& judgement : answer.judgements) {
    for (const Reason& reason : judgement.reasons) {
      Object object = std::get<Object>(reason_value(reason).variant());
      const MemoryBlock* block = judgement.unit.block;
      object.emplace_back("block", block != nullptr ? Value(block->id) : Value());
      all.emplace_back(reason.severity, std::move(object));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  List list;
  for (auto& [severity, value] : all) list.push_back(std::move(value));
  return list;
}

Value data_of(const WhyAnswer& answer) {
  std::string text;
  for (const std::string& paragraph : paragraphs_of(answer)) text += (text.empty() ? "" : "\n\n") + paragraph;
  List blocks, order;
  for (const OfflineJudgement& judgement : answer.judgements) blocks.push_back(judgement_value(judgement));
  for (const std::size_t i : answer.plan) order.emplace_back(unit_name(answer.judgements[i].unit));
  return Object{{"target", Object{{"text", answer.target}, {"kind", answer.target_kind}}},
                {"verdict", offline_verdict_name(overall_verdict(answer.judgements))},
                {"reasons", reasons_value(answer)},
                {"text", std::move(text)},
                {"blocks", std::move(blocks)},
                {"order", std::move(order)}};
}

using Row = std::vector<Value>;

std::vector<Row> rows_of(const WhyAnswer& answer) {
  std::vector<Row> rows;
  for (const OfflineJudgement& judgement : answer.judgements) {
    for (const Reason& reason : judgement.reasons) {
      rows.push_back({unit_name(judgement.unit), offline_verdict_name(judgement.verdict),
                      reason_severity_name(reason.severity), reason.code, reason.count, reason.text});
    }
  }
  return rows;
}

}  // namespace

OfflineVerdict overall_verdict(const std::vector<OfflineJudgement>& judgements) {
  const auto has = [&](OfflineVerdict verdict) {
    return std::any_of(judgements.begin(), judgements.end(),
                       [verdict](const OfflineJudgement& judgement) { return judgement.verdict == verdict; });
  };
  for (const OfflineVerdict verdict : {OfflineVerdict::blocked, OfflineVerdict::unknown,
                                       OfflineVerdict::no_blocker_found, OfflineVerdict::offline}) {
    if (has(verdict)) return verdict;
  }
  return OfflineVerdict::no_block;
}

std::span<const Column> why_columns() { return columns; }

Report make_why_report(const WhyAnswer& answer) {
  Report report;
  report.command = "why";
  report.data = data_of(answer);
  report.paragraphs = paragraphs_of(answer);
  report.words_alone = true;
  auto rows = std::make_shared<const std::vector<Row>>(rows_of(answer));
  Table table;
  table.columns.assign(columns.begin(), columns.end());
  table.row_count = rows->size();
  table.row = [rows](std::uint64_t row) { return (*rows)[static_cast<std::size_t>(row)]; };
  report.tables.push_back(std::move(table));
  return report;
}

}  // namespace memsect
