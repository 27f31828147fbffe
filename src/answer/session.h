// A kernel that is opened once and asked many times.
//
// A dump is read once for each question. The running kernel is looked at until it held still for one look: the marks that
// hot-plug leaves (model/changes.cc) are read before and after the rest. Each look begins with the memory of the moment,
// since /proc/kcore shows memory that was plugged to new readers only. A machine that never holds still gets an answer
// after a few looks all the same, in which what moved is `in_flux`.
#pragma once

#include <functional>
#include <memory>

#include "answer/question.h"
#include "base/result.h"
#include "decode/load_model.h"
#include "kernel/kernel.h"
#include "model/memory_model.h"

namespace memsect {

class Session {
 public:
  /// Told of work that may take long: what it is, how much of how much is done. Called by several threads, one at a time.
  using ProgressSink = std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)>;

  explicit Session(std::shared_ptr<const Kernel> kernel, ProgressSink progress = {});

  const Kernel& kernel() const { return *kernel_; }

  /// The answer, its report complete with its source and all notes. `usage` for options and targets that make no sense.
  Result<Answer> ask(const Question& question, Asked asked);

  /// For questions: the model, as far as `parts` asks for it.
  Result<MemoryModel> load(const ModelParts& parts) const;
  void tell(std::string_view what, std::uint64_t done, std::uint64_t total) const {
    if (progress_) progress_(what, done, total);
  }

 private:
  std::shared_ptr<const Kernel> kernel_;
  ProgressSink progress_;
};

/// Adds what every report has: its source (the files, the machine, where symbols and types came from), and in front of its
/// own notes those on the inputs.
void complete_report(Report& report, const Kernel& kernel);

}  // namespace memsect
