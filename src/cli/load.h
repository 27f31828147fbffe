// Opening what a command works on.
#pragma once

#include <string_view>

#include "base/result.h"
#include "cli/options.h"
#include "kernel/kernel.h"

namespace memsect {

/// The progress line of whatever takes long at the moment: told what it is, and how much of how much is done.
std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> progress_line();

/// Opens and tells apart the files that were named, with a progress line for unpacking.
Result<InputFiles> open_files(const CommonOptions& options);

/// Opens the kernel of `inputs`, with a progress line for what takes long.
Result<Kernel> open_kernel(const InputFiles& inputs, const CommonOptions& options,
                           AccessRecord* record = nullptr);

/// Gives up what is not needed from here on (cli/sandbox.h), unless --no-sandbox was given. `names_output`: an OutputFile
/// still gets its name.
Result<void> leave_privileges(const Kernel& kernel, const CommonOptions& options, bool names_output);

/// Opens the files, the kernel and the output, unless options.kernel is one from before, and gives up all privileges.
Result<void> open_for(CommonOptions& options);

}  // namespace memsect
