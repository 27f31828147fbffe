#include "cli/load.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/output.h"
#include "cli/progress.h"
#include "cli/sandbox.h"
#include "formats/proc_kcore.h"
#include "render/renderers.h"

namespace memsect {
namespace {

class ProgressLine {
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
    if (done == total) shown_.reset();
  }

 private:
  std::string what_;
  std::uint64_t done_ = 0;
  std::optional<Progress> shown_;
};

}  // namespace

std::function<void(std::string_view, std::uint64_t, std::uint64_t)> progress_line() {
  return [line = std::make_shared<ProgressLine>()](std::string_view what, std::uint64_t done,
                                                   std::uint64_t total) { (*line)(what, done, total); };
}

Result<InputFiles> open_files(const CommonOptions& options) {
  InputRequest request = options.input;
  request.progress = progress_line();
  return open_input_files(request);
}

Result<Kernel> open_kernel(const InputFiles& inputs, const CommonOptions& options, AccessRecord* record) {
  InputRequest request = options.input;
  request.progress = progress_line();
  return Kernel::open(inputs, request, record);
}

Result<void> leave_privileges(const Kernel& kernel, const CommonOptions& options, bool names_output) {
  if (options.no_sandbox) return {};
  prepare_rendering();
  SandboxNeeds needs;
  needs.names_output = names_output;
  if (kernel.is_live()) {
    const LiveSystem system;
    needs.reopened = {system.kcore, system.sysfs + "/devices/system/memory", system.process_status};
  }
  return enter_sandbox(needs);
}

Result<void> open_for(CommonOptions& options) {
  if (options.kernel) return {};
  auto inputs = open_files(options);
  if (!inputs) return std::move(inputs).error();
  auto kernel = open_kernel(*inputs, options);
  if (!kernel) return std::move(kernel).error();
  if (auto own = refuse_own_input(options.to, *kernel); !own) return std::move(own).error();
  if (auto done = open_output(options); !done) return std::move(done).error();
  options.kernel = std::make_shared<const Kernel>(std::move(*kernel));
  return leave_privileges(*options.kernel, options, false);
}

}  // namespace memsect
