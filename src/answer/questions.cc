#include <algorithm>
#include <array>

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

Result<void> validate(const Question& question, const Asked& asked) {
  if (question.takes_target) {
    if (auto target = parse_target(asked.target); !target) return std::move(target).error();
  }
  if (auto selection = parse_selection(asked.options); !selection) return std::move(selection).error();
  return {};
}

}  // namespace memsect
