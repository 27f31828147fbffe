// The command line as a whole.
#pragma once

namespace memsect {

/// Parses the arguments, runs the command, returns the exit code of the contract.
int run_app(int argc, char** argv);

}  // namespace memsect
