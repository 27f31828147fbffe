#include "cli/load.h"

namespace memsect {

Result<std::unique_ptr<Loaded>> load(const CommonOptions& options, const ModelParts& parts) {
  auto kernel = Kernel::open(options.input);
  if (!kernel) return std::move(kernel).error();
  auto model = load_model(*kernel, parts);
  if (!model) {
    Error error = std::move(model).error().within(kernel->files().front().path);
    const std::string& advice = kernel->dump().info.advice;
    return advice.empty() ? error : std::move(error).with_hint(advice);
  }
  return std::make_unique<Loaded>(Loaded{std::move(*kernel), std::move(*model)});
}

}  // namespace memsect
