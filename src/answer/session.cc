#include "answer/session.h"

#include <utility>

#include "model/changes.h"

namespace memsect {
namespace {

constexpr int most_looks = 5;
// What cannot be read because memory was going away can be read, or is gone, at the next look; other gaps stay.
constexpr int looks_at_gaps = 3;
constexpr ModelParts marks_of_change{.usages = true, .nodes = true, .blocks = true};

/// What changed while the model was read. Fails where even that cannot be told.
Result<MemoryChanges> changes_since(const Kernel& kernel, const MemoryModel& before,
                                    const MemoryModel& model) {
  auto after = load_model(kernel, marks_of_change);
  if (!after) return std::move(after).error();
  MemoryChanges changes = find_memory_changes(before, *after);
  changes.add(find_memory_changes(before, model));
  return changes;
}

/// One look at the running kernel.
struct Look {
  Result<MemoryModel> model;
  MemoryChanges changes;
  bool settled = false;  ///< nothing changed meanwhile, and all of it could be read
};

Look look(const Kernel& kernel, const ModelParts& parts) {
  if (auto done = kernel.look_again(); !done) return {std::move(done).error(), {}, false};
  const auto before = load_model(kernel, marks_of_change);
  if (!before) return {before.error(), {}, false};
  auto model = load_model(kernel, parts);
  if (!model) return {std::move(model).error(), {}, false};
  auto changes = changes_since(kernel, *before, *model);
  if (!changes) return {std::move(changes).error(), {}, false};
  const bool settled = changes->empty() && !has_gaps(*model);
  return {std::move(model), std::move(*changes), settled};
}

Result<MemoryModel> load_live(const Kernel& kernel, const ModelParts& parts) {
  for (int looks = 1;; ++looks) {
    Look found = look(kernel, parts);
    const bool only_gaps = found.model && found.changes.empty();
    if (!found.settled && looks < most_looks && !(only_gaps && looks == looks_at_gaps)) continue;
    if (found.model) mark_in_flux(*found.model, found.changes);
    return std::move(found.model);
  }
}

Object make_source(const Kernel& kernel) {
  List files;
  for (const SourceFile& file : kernel.files()) {
    files.emplace_back(Object{{"path", file.path}, {"role", file.role}, {"format", file.format}});
  }
  return Object{{"files", std::move(files)},
                {"live", kernel.is_live()},
                {"arch", kernel.arch().name},
                {"release", kernel.release()},
                {"build_id", kernel.build_id().empty() ? Value() : Value(kernel.build_id())},
                {"page_size", kernel.page_size()},
                {"types_from", kernel.types().origin()},
                {"symbols_from", kernel.symbols_from()}};
}

}  // namespace

Session::Session(std::shared_ptr<const Kernel> kernel, ProgressSink progress)
    : kernel_(std::move(kernel)), progress_(std::move(progress)) {}

Result<MemoryModel> Session::load(const ModelParts& parts) const {
  auto model = kernel_->is_live() ? load_live(*kernel_, parts) : load_model(*kernel_, parts);
  if (model) return model;
  Error error = std::move(model).error().within(kernel_->files().front().path);
  const std::string& advice = kernel_->dump().info.advice;
  return advice.empty() ? error : std::move(error).with_hint(advice);
}

Result<Answer> Session::ask(const Question& question, Asked asked) {
  auto prepared = prepare(question, std::move(asked));
  if (!prepared) return std::move(prepared).error();
  auto answer = question.ask(*this, *prepared);
  if (answer) complete_report(answer->report, *kernel_);
  return answer;
}

void complete_report(Report& report, const Kernel& kernel) {
  report.source = make_source(kernel);
  Notes notes = kernel.notes();
  notes.append(report.notes);
  report.notes = std::move(notes);
}

}  // namespace memsect
