// What of an answer is compared, and under which name. Addresses are not: with KASLR they differ from boot to boot, while the
// physical memory that an object lies in says where it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compare/compare.h"
#include "render/value.h"

namespace memsect {

/// The member of an object; null where `value` is no object, or has none of that name.
const Value* member(const Value& value, std::string_view key);
/// The same, of members within members: "usage.phys". What is absent on the way is the answer.
const Value* member_at(const Value& value, std::string_view path);
/// A number that is not negative.
std::optional<std::uint64_t> number_in(const Value& value);

struct Fact {
  enum class Kind {
    state,   ///< what differs has changed
    place,   ///< what differs has moved
    amount,  ///< what differs has grown or shrunk; what only one has, came or went
    mark,    ///< there or not; its value is a remark that is not compared
  };
  Kind kind = Kind::state;
  std::string what;
  Value value;
};
using Facts = std::vector<Fact>;

/// One row of an answer, as far as it is compared.
struct Subject {
  std::string_view subject;  ///< "section", "block", "node"
  std::uint64_t number = 0;
  Facts facts;
};

/// How the rows of a command's answer are read.
struct ComparedCommand {
  std::string_view command;
  /// Nothing for a row of another form.
  std::optional<Subject> (*read)(const Value& row);
  bool names_subjects;  ///< its rows are all there are: one that only one answer has came or went
};
/// Null for a command whose answers are not compared.
const ComparedCommand* find_compared_command(std::string_view command);

/// The rows of `deps`: what each section holds, and whether it never goes; ascending. Nothing for data of another form.
std::optional<std::vector<Subject>> read_dependencies(const Value& data);

}  // namespace memsect
