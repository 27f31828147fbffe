// `memsect diff BEFORE [AFTER]`: opens both sides, asks both the same questions, and has the answers compared.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "answer/session.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/load.h"
#include "cli/output.h"
#include "compare/compare.h"
#include "compare/saved_answer.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

/// A saved answer of the largest machines has some 200 MB.
constexpr std::uint64_t most_saved_bytes = std::uint64_t{1} << 30;

/// One of the two that are compared: a kernel to be asked, or an answer of before.
struct Side {
  std::string name;
  std::shared_ptr<const Kernel> kernel;
  std::string saved_text;
  std::unique_ptr<SavedAnswer> saved;
  std::vector<Answer> answers;

  bool is_saved() const { return kernel == nullptr; }
  std::vector<const Report*> reports() const {
    if (saved) return {&saved->report};
    std::vector<const Report*> reports;
    for (const Answer& answer : answers) reports.push_back(&answer.report);
    return reports;
  }
};

/// The text of a saved answer; nothing for a file that begins otherwise.
Result<std::optional<std::string>> read_saved(const std::string& path) {
  const auto file = File::open(path);
  if (!file) return std::optional<std::string>{};  // whoever opens dumps says what is wrong with it
  std::array<std::byte, 64> beginning{};
  const auto got = (*file)->read_some(0, beginning);
  const std::string_view start(reinterpret_cast<const char*>(beginning.data()), got ? *got : 0);
  if (!looks_like_saved_answer(start)) return std::optional<std::string>{};
  if ((*file)->size() > most_saved_bytes)
    return Error{Errc::unsupported, path + ": larger than any answer of memsect", {}};
  std::string text((*file)->size(), '\0');
  const std::span<char> room(text);
  if (auto done = (*file)->read(0, std::as_writable_bytes(room)); !done) return std::move(done).error();
  return std::optional<std::string>(std::move(text));
}

/// A dump, with what there is of its kernel among `others`; the running kernel where `path` is empty.
Result<std::shared_ptr<const Kernel>> open_side(const std::string& path,
                                                const std::vector<std::string>& others,
                                                const CommonOptions& common) {
  CommonOptions options = common;
  options.input.files = others;
  if (!path.empty()) options.input.files.insert(options.input.files.begin(), path);
  auto inputs = open_files(options);
  if (!inputs) return std::move(inputs).error();
  if (!path.empty() && !inputs->dump && !inputs->live) {
    return Error{Errc::bad_format, path + ": neither a dump nor an answer of memsect --json",
                 "memsect diff BEFORE AFTER [VMLINUX]: the two that are compared come first"};
  }
  auto kernel = open_kernel(*inputs, options);
  if (!kernel) return std::move(kernel).error();
  if (auto own = refuse_own_input(common.to, *kernel); !own) return std::move(own).error();
  return std::make_shared<const Kernel>(std::move(*kernel));
}

Result<Side> make_side(const std::string& path, const std::vector<std::string>& others,
                       const CommonOptions& common) {
  Side side;
  side.name = path.empty() ? "the running kernel" : path;
  if (!path.empty()) {
    auto text = read_saved(path);
    if (!text) return std::move(text).error();
    if (*text) {
      side.saved_text = std::move(**text);
      return side;
    }
  }
  auto kernel = open_side(path, others, common);
  if (!kernel) return std::move(kernel).error();
  side.kernel = std::move(*kernel);
  return side;
}

Result<void> parse_saved(Side& side) {
  if (!side.is_saved()) return {};
  auto saved = read_saved_answer(side.saved_text);
  if (!saved) return std::move(saved).error().within(side.name);
  side.saved = std::move(*saved);
  side.saved_text = {};
  const auto known = comparable_commands();
  const std::string_view command = side.saved->report.command;
  if (std::find(known.begin(), known.end(), command) != known.end()) return {};
  return Error{Errc::bad_format, side.name + ": an answer of a command that is not compared",
               "sections, blocks, nodes, deps and removable are"};
}

Result<void> ask(Side& side, std::string_view command, const CommonOptions& common) {
  Session session(side.kernel, progress_line());
  Asked asked;
  asked.threads = common.threads;
  auto answer = session.ask(*find_question(command), std::move(asked));
  if (!answer) return std::move(answer).error().within(side.name);
  side.answers.push_back(std::move(*answer));
  return {};
}

/// Asks the kernels among both sides what the other one has an answer to; all that is compared where both are kernels.
Result<void> ask_both(Side& before, Side& after, const CommonOptions& common) {
  if (before.saved && after.saved && before.saved->report.command != after.saved->report.command) {
    return Error{Errc::usage, "the saved answers are of different commands", "save the same of both"};
  }
  for (const std::string_view command : comparable_commands()) {
    const auto wanted_by = [command](const Side& side) {
      return !side.saved || side.saved->report.command == command;
    };
    if (!wanted_by(before) || !wanted_by(after)) continue;
    for (Side* side : {&before, &after}) {
      if (side->is_saved()) continue;
      if (auto done = ask(*side, command, common); !done) return std::move(done).error();
    }
  }
  return {};
}

/// The files of both, and of the second what else an answer says of its source.
Object source_of(const Side& side) {
  const auto reports = side.reports();
  return reports.empty() ? Object{} : reports.front()->source;
}

Notes notes_of(const Side& side) {
  Notes notes;
  for (const Answer& answer : side.answers) {
    for (const Note& note : answer.report.notes.all())
      notes.add({note.severity, side.name + ": " + note.text, note.hint});
  }
  return notes;
}

bool is_incomplete(const Side& side) {
  return std::any_of(side.answers.begin(), side.answers.end(),
                     [](const Answer& answer) { return answer.incomplete; });
}

Result<int> run(CommonOptions& common) {
  std::vector<std::string> others = common.input.files;
  if (others.empty() || !common.input.core.empty()) {
    return Error{Errc::usage, "diff needs two dumps or saved answers, or one of them for the running kernel",
                 "memsect diff BEFORE [AFTER] [VMLINUX]"};
  }
  const std::string first = others.front();
  const std::string second = others.size() > 1 ? others[1] : "";
  others.erase(others.begin(), others.begin() + (second.empty() ? 1 : 2));
  auto before = make_side(first, others, common);
  if (!before) return std::move(before).error();
  auto after = make_side(second, others, common);
  if (!after) return std::move(after).error();
  if (auto done = open_output(common); !done) return std::move(done).error();
  for (const Side* side :
       {&*after, &*before}) {  // a running kernel is the second: what it still opens is let through
    if (side->is_saved()) continue;
    if (auto done = leave_privileges(*side->kernel, common, false); !done) return std::move(done).error();
    break;
  }
  for (Side* side : {&*before, &*after}) {
    if (auto done = parse_saved(*side); !done) return std::move(done).error();
  }
  if (auto done = ask_both(*before, *after, common); !done) return std::move(done).error();
  const auto comparison = compare_answers(before->reports(), after->reports());
  if (!comparison) return comparison.error();
  Report report =
      make_diff_report(*comparison, {before->name, source_of(*before)}, {after->name, source_of(*after)});
  report.source = source_of(*after);
  report.notes = notes_of(*before);
  report.notes.append(notes_of(*after));
  return write_report(report, common, is_incomplete(*before) || is_incomplete(*after), comparison->differs());
}

RunCommand add(CLI::App& app, CommonOptions& common) {
  app.get_option("FILE")->description("BEFORE [AFTER] [VMLINUX ...]: two dumps, or saved answers of --json");
  return [&common] { return run(common); };
}

}  // namespace

const Command diff_command{
    .name = "diff",
    .summary = "what changed from one dump of a machine to another",
    .help =
        R"(BEFORE and AFTER are two dumps, or two answers that --json of sections, blocks, nodes, deps or removable
saved, or one of each. Without AFTER, the running kernel is compared with BEFORE. Files that follow (vmlinux,
System.map, BTF) are used for both.

Compared are sections, memory blocks and nodes that came or went; their states, nodes, zones and
migratetypes; where usages, struct pages and pgdats lie; what sections hold for others; verdicts, and the
reasons for them. Virtual addresses are not: with KASLR they differ from boot to boot. Kernels may differ,
which is said. Exit code 0: alike; 1: something differs.

Examples:
  memsect diff before.vmcore after.vmcore vmlinux
  memsect diff --json before.vmcore after.vmcore | jq '.data.changes[] | select(.change == "came")'
  memsect sections --json > monday; memsect sections --json > friday; memsect diff monday friday)",
    .columns = diff_columns,
    .add = add};

}  // namespace memsect
