// A dump is read once. The running kernel is looked at until it held still for one look: the marks that hot-plug leaves
// (model/changes.cc) are read before and after the rest. Each look begins with the memory of the moment, since
// /proc/kcore shows memory that was plugged to new readers only. A machine that never holds still gets an answer after a
// few looks all the same, in which what moved is `in_flux`.
#include "cli/load.h"

#include <optional>
#include <utility>

#include "base/cage.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "formats/proc_kcore.h"
#include "model/changes.h"
#include "render/renderers.h"

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

/// The progress line of whatever takes long at the moment.
class KernelProgress {
 public:
  void operator()(std::string_view what, std::uint64_t done, std::uint64_t total) {
    if (total == 0) return;
    if (!shown_ || what_ != what || done < done_) {
      what_ = what;
      done_ = 0;
      shown_.emplace(what_, total);
    }
    shown_->advance(done - done_);
    done_ = done;
  }

 private:
  std::string what_;
  std::uint64_t done_ = 0;
  std::optional<Progress> shown_;
};

}  // namespace

Result<Kernel> open_kernel(const InputFiles& inputs, const CommonOptions& options, AccessRecord* record) {
  InputRequest request = options.input;
  KernelProgress progress;
  request.progress = [&progress](std::string_view what, std::uint64_t done, std::uint64_t total) {
    progress(what, done, total);
  };
  return Kernel::open(inputs, request, record);
}

Result<void> leave_privileges(const Kernel& kernel, const CommonOptions& options, bool names_output) {
  if (options.no_cage) return {};
  prepare_rendering();
  CageNeeds needs;
  needs.names_output = names_output;
  if (kernel.is_live()) {
    const LiveSystem system;
    needs.reopened = {system.kcore, system.sysfs + "/devices/system/memory", system.process_status};
  }
  return enter_cage(needs);
}

Result<std::unique_ptr<Loaded>> load(CommonOptions& options, const ModelParts& parts) {
  if (!options.kernel) {
    auto inputs = open_input_files(options.input);
    if (!inputs) return std::move(inputs).error();
    auto kernel = open_kernel(*inputs, options);
    if (!kernel) return std::move(kernel).error();
    if (auto own = refuse_own_input(options.to, *kernel); !own) return std::move(own).error();
    if (auto done = open_output(options); !done) return std::move(done).error();
    options.kernel = std::make_shared<const Kernel>(std::move(*kernel));
    if (auto done = leave_privileges(*options.kernel, options, false); !done) return std::move(done).error();
  }
  const Kernel& kernel = *options.kernel;
  auto model = kernel.is_live() ? load_live(kernel, parts) : load_model(kernel, parts);
  if (!model) {
    Error error = std::move(model).error().within(kernel.files().front().path);
    const std::string& advice = kernel.dump().info.advice;
    return advice.empty() ? error : std::move(error).with_hint(advice);
  }
  return std::make_unique<Loaded>(Loaded{options.kernel, *options.kernel, std::move(*model)});
}

}  // namespace memsect
