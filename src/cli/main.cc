// memsect: reads the command line and runs one command. All else is in the other files of this folder.
#include <csignal>
#include <exception>
#include <new>

#include "cli/app.h"
#include "cli/output.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an ordinary end
  try {
    return memsect::run_app(argc, argv);
  } catch (const std::bad_alloc&) {
    memsect::print_error({memsect::Errc::io, "out of memory", {}});
  } catch (const std::exception& failure) {
    memsect::print_error({memsect::Errc::io, failure.what(), {}});
  }
  return memsect::exit_unreadable;
}
