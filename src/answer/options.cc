#include "answer/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace memsect {

void OptionValues::set(std::string_view name, std::vector<std::string> values) {
  values_.insert_or_assign(std::string(name), std::move(values));
}

std::vector<std::string> OptionValues::names() const {
  std::vector<std::string> names;
  for (const auto& [name, values] : values_) names.push_back(name);
  return names;
}

std::string OptionValues::text(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() || at->second.empty() ? std::string() : at->second.front();
}

std::vector<std::string> OptionValues::list(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? std::vector<std::string>() : at->second;
}

const OptionSpec* find_option(const std::vector<OptionSpec>& options, std::string_view name) {
  const auto at = std::find_if(options.begin(), options.end(),
                               [name](const OptionSpec& option) { return option.name == name; });
  return at == options.end() ? nullptr : &*at;
}

namespace {

Result<void> check_values(const OptionSpec& option, const std::vector<std::string>& values) {
  if (option.kind == OptionSpec::Kind::flag) return {};
  if (option.kind != OptionSpec::Kind::names && values.size() != 1)
    return Error{Errc::usage, fmt::format("{}: takes one value", option.name), {}};
  for (const std::string& value : values) {
    if (value.empty()) return Error{Errc::usage, fmt::format("{}: its value is empty", option.name), {}};
    const bool known = option.choices.empty() ||
                       std::find(option.choices.begin(), option.choices.end(), value) != option.choices.end();
    if (!known) {
      return Error{Errc::usage, fmt::format("{}: there is no {}", option.name, value),
                   fmt::format("it takes {}", fmt::join(option.choices, ", "))};
    }
  }
  return {};
}

}  // namespace

Result<OptionValues> complete_options(const std::vector<OptionSpec>& options, OptionValues values) {
  for (const std::string& name : values.names()) {
    const OptionSpec* const option = find_option(options, name);
    if (option == nullptr) return Error{Errc::usage, fmt::format("{}: no such option", name), {}};
    if (auto done = check_values(*option, values.list(name)); !done) return std::move(done).error();
  }
  for (const OptionSpec& option : options) {
    if (!option.preset.empty() && !values.has(option.name))
      values.set(option.name, {std::string(option.preset)});
  }
  return values;
}

}  // namespace memsect
