// The options of a question, declared once: the command line, its help and the library read the same table.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace memsect {

struct OptionSpec {
  enum class Kind {
    flag,
    text,    ///< any text but an empty one
    choice,  ///< one of `choices`
    names,   ///< any number of `choices`
  };
  std::string_view name;  ///< without dashes
  Kind kind = Kind::flag;
  std::string_view value;  ///< what the help calls its value
  std::string_view help;
  std::vector<std::string> choices = {};
  std::string_view preset = {};  ///< its value when not given
};

/// The values that were given, by option name.
class OptionValues {
 public:
  void set(std::string_view name, std::vector<std::string> values);
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  /// The names of the options that were given.
  std::vector<std::string> names() const;
  /// The value of a text or a choice; empty when not given.
  std::string text(std::string_view name) const;
  /// The values of `names`, as given.
  std::vector<std::string> list(std::string_view name) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// The option of that name, or null.
const OptionSpec* find_option(const std::vector<OptionSpec>& options, std::string_view name);

/// Fills in presets, and fails with `usage` for an option that is not in `options`, or a value it does not take.
Result<OptionValues> complete_options(const std::vector<OptionSpec>& options, OptionValues values);

}  // namespace memsect
