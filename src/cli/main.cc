// memsect: reads the command line and runs one command. All else is in the other files of this folder.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <new>

#include "cli/app.h"
#include "cli/output.h"

namespace {

/// A file that is opened while standard output is closed gets its number, and all that is printed. So a closed one gets
/// /dev/null, opened the wrong way round: reading and writing fail as they did.
void occupy_standard_descriptors() {
  for (const int wanted : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(wanted, F_GETFD) != -1) continue;
    // The lowest number that is free is this one.
    static_cast<void>(::open("/dev/null", wanted == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
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
