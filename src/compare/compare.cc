#include "compare/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>

#include "compare/compared_fields.h"
#include "render/cell_text.h"

namespace memsect {
namespace {

constexpr std::array<std::string_view, 5> commands{"sections", "blocks", "nodes", "deps", "removable"};
constexpr std::array<std::string_view, 3> subjects{"section", "block", "node"};

Error not_an_answer(std::string_view command, std::string_view why) {
  return {Errc::bad_format, fmt::format("this is no answer of memsect {}: {}", command, why), {}};
}

/// The subjects of one answer, in ascending order, one at a time.
class Cursor {
 public:
  explicit Cursor(const Report& report) : report_(report), command_(find_compared_command(report.command)) {}

  /// The first subject. Of `deps` all are read here: its answer is not made row by row.
  Result<void> begin() {
    if (command_ == nullptr) {
      held_ = read_dependencies(report_.data);
      if (!held_) return not_an_answer(report_.command, "it has no holders as memsect lists them");
    } else if (!report_.rows) {
      list_ = std::get_if<List>(&report_.data.variant());
      if (list_ == nullptr) return not_an_answer(report_.command, "its data is no list");
    }
    return next();
  }
  const std::optional<Subject>& now() const { return now_; }

  Result<void> next() {
    const auto before = now_;
    now_.reset();
    if (at_ >= count()) return {};
    now_ = take(at_++);
    if (!now_) return not_an_answer(report_.command, fmt::format("row {} has no number", at_ - 1));
    if (before && before->number >= now_->number)
      return not_an_answer(report_.command, fmt::format("row {} is out of order", at_ - 1));
    return {};
  }

 private:
  std::uint64_t count() const {
    if (held_) return held_->size();
    return list_ != nullptr ? list_->size() : report_.row_count;
  }
  std::optional<Subject> take(std::uint64_t at) {
    if (held_) return std::move((*held_)[at]);
    return command_->read(list_ != nullptr ? (*list_)[at] : report_.rows(at));
  }

  const Report& report_;
  const ComparedCommand* command_;
  const List* list_ = nullptr;
  std::optional<std::vector<Subject>> held_;
  std::optional<Subject> now_;
  std::uint64_t at_ = 0;
};

/// Whether it could not be read; that a question has no answer there is one.
bool is_unknown(const Value& value) { return value.has_absence(); }

bool same(const Value& a, const Value& b) {
  constexpr CellStyle exact{Reader::machine, true};
  return cell_text(a, exact) == cell_text(b, exact);
}

ChangeKind kind_of(Fact::Kind kind, const Value& before, const Value& after) {
  if (is_unknown(before) || is_unknown(after)) return ChangeKind::unknown;
  if (kind == Fact::Kind::place) return ChangeKind::moved;
  const auto a = number_in(before);
  const auto b = number_in(after);
  if (kind != Fact::Kind::amount || !a || !b) return ChangeKind::changed;
  return *a < *b ? ChangeKind::grew : ChangeKind::shrank;
}

const Fact* find_fact(const Facts& facts, std::string_view what) {
  const auto at =
      std::find_if(facts.begin(), facts.end(), [what](const Fact& fact) { return fact.what == what; });
  return at == facts.end() ? nullptr : &*at;
}

/// Marks and amounts may come and go; a state or a place that one answer does not mention is of another release of
/// memsect, and says nothing.
bool can_come(const Fact& fact) { return fact.kind == Fact::Kind::mark || fact.kind == Fact::Kind::amount; }

void compare_facts(const Subject& before, const Subject& after, std::vector<Change>& changes) {
  const auto report = [&](ChangeKind kind, const std::string& what, const Value& old, const Value& now) {
    changes.push_back({before.subject, before.number, kind, what, old, now});
  };
  for (const Fact& old : before.facts) {
    const Fact* now = find_fact(after.facts, old.what);
    if (now == nullptr) {
      if (can_come(old)) report(ChangeKind::went, old.what, old.value, {});
    } else if (old.kind != Fact::Kind::mark && !same(old.value, now->value)) {
      report(kind_of(old.kind, old.value, now->value), old.what, old.value, now->value);
    }
  }
  for (const Fact& now : after.facts) {
    if (can_come(now) && find_fact(before.facts, now.what) == nullptr)
      report(ChangeKind::came, now.what, {}, now.value);
  }
}

/// A subject that only one of the answers has.
void report_lone(const Subject& lone, ChangeKind kind, std::string_view command, bool blocks_are_compared,
                 std::vector<Change>& changes) {
  const auto report = [&](const std::string& what, const Value& value) {
    const bool came = kind == ChangeKind::came;
    changes.push_back(
        {lone.subject, lone.number, kind, what, came ? Value() : value, came ? value : Value()});
  };
  if (command == "deps") {
    for (const Fact& fact : lone.facts) report(fact.what, fact.value);
  } else if (command == "removable") {
    const Fact* verdict = find_fact(lone.facts, "verdict");
    report(blocks_are_compared ? "verdict" : "", verdict == nullptr ? Value() : verdict->value);
  } else {
    const Fact* state = find_fact(lone.facts, "state");
    report("", state == nullptr ? Value() : state->value);
  }
}

Result<void> compare_command(const Report& before, const Report& after, bool blocks_are_compared,
                             std::vector<Change>& changes) {
  Cursor old(before);
  Cursor now(after);
  if (auto done = old.begin(); !done) return std::move(done).error().within("the first");
  if (auto done = now.begin(); !done) return std::move(done).error().within("the second");
  while (old.now() || now.now()) {
    const bool takes_old = old.now() && (!now.now() || old.now()->number <= now.now()->number);
    const bool takes_now = now.now() && (!old.now() || now.now()->number <= old.now()->number);
    if (takes_old && takes_now) {
      if (old.now()->subject != now.now()->subject)
        return Error{Errc::usage, "one answer judges blocks, the other sections",
                     "use the same --by for both"};
      compare_facts(*old.now(), *now.now(), changes);
    } else {
      report_lone(takes_old ? *old.now() : *now.now(), takes_old ? ChangeKind::went : ChangeKind::came,
                  before.command, blocks_are_compared, changes);
    }
    if (takes_old) {
      if (auto done = old.next(); !done) return std::move(done).error().within("the first");
    }
    if (takes_now) {
      if (auto done = now.next(); !done) return std::move(done).error().within("the second");
    }
  }
  return {};
}

const Report* find_report(std::span<const Report* const> reports, std::string_view command) {
  const auto at = std::find_if(reports.begin(), reports.end(),
                               [command](const Report* report) { return report->command == command; });
  return at == reports.end() ? nullptr : *at;
}

}  // namespace

std::string_view change_kind_name(ChangeKind kind) {
  constexpr std::array<std::string_view, 7> names{"came", "went",   "changed", "moved",
                                                  "grew", "shrank", "unknown"};
  return names[static_cast<std::size_t>(kind)];
}

bool Comparison::differs() const {
  return std::any_of(changes.begin(), changes.end(),
                     [](const Change& change) { return change.kind != ChangeKind::unknown; });
}

std::span<const std::string_view> comparable_commands() { return commands; }

Result<Comparison> compare_answers(std::span<const Report* const> before,
                                   std::span<const Report* const> after) {
  Comparison comparison;
  const bool blocks = find_report(before, "blocks") != nullptr && find_report(after, "blocks") != nullptr;
  for (const std::string_view command : commands) {
    const Report* old = find_report(before, command);
    const Report* now = find_report(after, command);
    if (old == nullptr || now == nullptr) continue;
    comparison.compared.push_back(command);
    if (auto done = compare_command(*old, *now, blocks, comparison.changes); !done)
      return std::move(done).error();
  }
  const auto place = [](const Change& change) {
    return std::tuple(std::find(subjects.begin(), subjects.end(), change.subject), change.number);
  };
  std::stable_sort(comparison.changes.begin(), comparison.changes.end(),
                   [&](const Change& a, const Change& b) { return place(a) < place(b); });
  return comparison;
}

}  // namespace memsect
