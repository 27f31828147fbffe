// Kernel and model, opened for a command.
#pragma once

#include <memory>

#include "base/result.h"
#include "cli/options.h"
#include "kernel/kernel.h"
#include "model/load_model.h"

namespace memsect {

/// What a command works on. The model's notes are still its own.
struct Loaded {
  Kernel kernel;
  MemoryModel model;
};

Result<std::unique_ptr<Loaded>> load(const CommonOptions& options, const ModelParts& parts);

}  // namespace memsect
