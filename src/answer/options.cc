#include "answer/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

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

Error not_taken(const OptionSpec& option, const std::string& value) {
  const std::vector<std::string_view> known(option.choices.begin(), option.choices.end());
  const std::string_view meant = nearest_word(value, known);
  return {Errc::usage, fmt::format("--{} {}: unknown value", option.name, value),
          fmt::format("{}possible values: {}", meant.empty() ? "" : fmt::format("did you mean {}? ", meant),
                      fmt::join(option.choices, ", "))};
}

Result<void> check_values(const OptionSpec& option, const std::vector<std::string>& values) {
  if (option.kind == OptionSpec::Kind::flag) return {};
  if (option.kind != OptionSpec::Kind::names && values.size() != 1)
    return Error{Errc::usage, fmt::format("--{}: takes one value", option.name), {}};
  for (const std::string& value : values) {
    if (value.empty()) return Error{Errc::usage, fmt::format("--{}: its value is empty", option.name), {}};
    if (!option.choices.empty() &&
        std::find(option.choices.begin(), option.choices.end(), value) == option.choices.end())
      return not_taken(option, value);
  }
  return {};
}

/// The values of an option that takes names, each of which may be several with commas between.
std::vector<std::string> split_at_commas(const std::vector<std::string>& values) {
  std::vector<std::string> names;
  for (const std::string& value : values) {
    std::string_view rest = value;
    for (;;) {
      const std::size_t comma = rest.find(',');
      names.emplace_back(rest.substr(0, comma));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return names;
}

}  // namespace

Result<OptionValues> complete_options(const std::vector<OptionSpec>& options, OptionValues values) {
  for (const std::string& name : values.names()) {
    const OptionSpec* const option = find_option(options, name);
    if (option == nullptr) return Error{Errc::usage, fmt::format("--{}: no such option", name), {}};
    if (option->kind == OptionSpec::Kind::names) values.set(name, split_at_commas(values.list(name)));
    if (auto done = check_values(*option, values.list(name)); !done) return std::move(done).error();
  }
  for (const OptionSpec& option : options) {
    if (!option.preset.empty() && !values.has(option.name))
      values.set(option.name, {std::string(option.preset)});
  }
  return values;
}

}  // namespace memsect
