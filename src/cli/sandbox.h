// What a program gives up once it has what it needs: a dump is an untrusted file, and root often the one who opens it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace memsect {

/// What is still needed inside.
struct SandboxNeeds {
  /// Files and folders that may be opened again, for reading: of the running kernel. Where there are any, CAP_SYS_RAWIO
  /// is kept, which /proc/kcore wants.
  std::vector<std::string> reopened;
  /// An OutputFile that was created before may still be given its name; CAP_DAC_OVERRIDE is kept, since root's output
  /// may lie in a folder of somebody else.
  bool names_output = false;
};

/// Whether this build can do that at all: not without libseccomp, and not under a sanitizer, which does things of its
/// own.
bool has_sandbox();

/// For the rest of the process: drops all capabilities, and leaves it reading what is open, memory, threads, and
/// writing to files that are open. The kernel refuses it other files, and kills it when it
/// opens one for writing, starts programs or talks to others; other system calls answer ENOSYS. Every thread must be started afterwards.
/// Does nothing where has_sandbox() is false; `io` when the kernel refuses.
Result<void> enter_sandbox(const SandboxNeeds& needs);

}  // namespace memsect
