#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "answer/question.h"
#include "answer/selection.h"
#include "answer/target.h"

namespace memsect {
namespace {

constexpr std::array<const Question*, 11> all{&info_question,   &sections_question,  &nodes_question,
                                              &blocks_question, &usemap_question,    &subsections_question,
                                              &deps_question,   &removable_question, &why_question,
                                              &check_question,  &addr_question};

}  // namespace

std::span<const Question* const> questions() { return all; }

const Question* find_question(std::string_view name) {
  const auto at = std::find_if(all.begin(), all.end(),
                               [name](const Question* question) { return question->name == name; });
  return at == all.end() ? nullptr : *at;
}

Result<Asked> prepare(const Question& question, Asked asked) {
  auto values = complete_options(question.options(), std::move(asked.options));
  if (!values) return std::move(values).error();
  asked.options = *std::move(values);
  using Targets = Question::Targets;
  if (question.targets != Targets::none && asked.targets.empty())
    return Error{Errc::usage, fmt::format("{} needs a TARGET", question.name),
                 "memory35, section:35, node:1, ..."};
  if (question.targets == Targets::one && asked.targets.size() > 1)
    return Error{Errc::usage, fmt::format("{} takes one TARGET", question.name), {}};
  for (const std::string& text : asked.targets) {
    if (auto target = parse_target(text); !target) return std::move(target).error();
  }
  if (auto selection = parse_selection(asked.options); !selection) return std::move(selection).error();
  return asked;
}

}  // namespace memsect
