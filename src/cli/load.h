// Kernel and model, opened for a command.
#pragma once

#include <memory>

#include "base/result.h"
#include "cli/options.h"
#include "decode/load_model.h"
#include "kernel/kernel.h"

namespace memsect {

/// What a command works on. The model's notes are still its own.
struct Loaded {
  std::shared_ptr<const Kernel> kept;
  const Kernel& kernel;
  MemoryModel model;
};

/// Opens the kernel of `inputs`, with a progress line for what takes long.
Result<Kernel> open_kernel(const InputFiles& inputs, const CommonOptions& options,
                           AccessRecord* record = nullptr);

/// Gives up what is not needed from here on (base/cage.h), unless --no-cage was given. `names_output`: an OutputFile
/// still gets its name.
Result<void> leave_privileges(const Kernel& kernel, const CommonOptions& options, bool names_output);

/// Opens the files, the kernel and the output, unless options.kernel is one from before; gives up all privileges; then
/// takes the model.
Result<std::unique_ptr<Loaded>> load(CommonOptions& options, const ModelParts& parts);

}  // namespace memsect
