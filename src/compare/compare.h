// What differs between two answers of memsect to the same questions: of two dumps of one machine, or saved ones. Pure
// functions of answers as values: nothing here knows kernels, dumps or memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "render/report.h"

namespace memsect {

/// unknown: one of the two could not be read, so nobody can tell.
enum class ChangeKind { came, went, changed, moved, grew, shrank, unknown };
/// "came", "went", ...
std::string_view change_kind_name(ChangeKind kind);

/// One thing that differs. `what` is empty where the subject itself came or went.
struct Change {
  std::string_view subject;  ///< "section", "block" or "node"
  std::uint64_t number = 0;
  ChangeKind kind = ChangeKind::changed;
  std::string what;     ///< "state", "usage", "reason unmovable_slab", "holds memmap", ...
  Value before, after;  ///< null where there is none
};

struct Comparison {
  std::vector<std::string_view> compared;  ///< the commands whose answers both have
  std::vector<Change> changes;             ///< by subject, number, and the order of the commands

  /// Whether anything differs for certain.
  bool differs() const;
};

/// The commands whose answers can be compared, in the order in which they are: sections, blocks, nodes, deps, removable.
std::span<const std::string_view> comparable_commands();

/// Compares what both have. Rows are made one at a time. `bad_format` where an answer does not have the form of its
/// command.
Result<Comparison> compare_answers(std::span<const Report* const> before,
                                   std::span<const Report* const> after);

/// What is said of the two sides of a comparison.
struct ComparedSide {
  std::string name;  ///< the file, or "the running kernel"
  Object source;     ///< as in its answers
};

std::span<const Column> diff_columns();
/// The report of `memsect diff`. The comparison must outlive it.
Report make_diff_report(const Comparison& comparison, const ComparedSide& before, const ComparedSide& after);

}  // namespace memsect
