#include "cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "kernel/kernel.h"
#include "render/printable.h"

namespace memsect {
namespace {

bool is_same_file(const std::string& one, const std::string& other) {
  struct stat a {};
  struct stat b {};
  return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

bool wants_color(const CommonOptions& options, int descriptor) {
  if (options.color == "always") return true;
  if (options.color == "never") return false;
  const char* const no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && ::isatty(descriptor) != 0;
}

unsigned terminal_width(int descriptor) {
  winsize size{};
  if (::isatty(descriptor) == 0 || ::ioctl(descriptor, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

void print_notes(const Notes& notes, bool verbose) {
  for (const Note& note : notes.all()) {
    if (note.severity == Severity::note && !verbose) continue;
    const char* const kind = note.severity == Severity::warning ? "warning" : "note";
    print_message(fmt::format("memsect: {}: {}\n", kind, printable(note.text)));
    if (!note.hint.empty()) print_message(fmt::format("hint: {}\n", printable(note.hint)));
  }
}

Error write_error(const std::string& name, int number) {
  return {
      Errc::io, fmt::format("{}: cannot be written: {}", name, std::generic_category().message(number)), {}};
}

}  // namespace

int exit_code_of(const Error& error) {
  if (error.code == Errc::usage) return exit_usage;
  if (error.code == Errc::mismatch) return exit_mismatch;
  return exit_unreadable;
}

void print_message(const std::string& text) { static_cast<void>(std::fputs(text.c_str(), stderr)); }

void print_error(const Error& error) {
  print_message(fmt::format("memsect: error: {}\n", printable(error.message)));
  if (!error.hint.empty()) print_message(fmt::format("hint: {}\n", printable(error.hint)));
}

Result<void> open_output(CommonOptions& options) {
  if (options.to.empty()) return {};
  const int descriptor = ::open(options.to.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) return write_error(options.to, errno);
  options.output.reset(::fdopen(descriptor, "w"), std::fclose);
  return {};
}

Result<void> refuse_own_input(const std::string& to, const Kernel& kernel) {
  for (const SourceFile& file : kernel.files()) {
    if (to.empty() || !is_same_file(to, file.path)) continue;
    return Error{Errc::usage, fmt::format("--to {}: is the {} it reads", to, file.role),
                 "give it a name of its own"};
  }
  return {};
}

Result<int> write_report(const Report& report, const CommonOptions& options, bool incomplete, bool found) {
  std::FILE* const file = options.output ? options.output.get() : stdout;
  const std::string name = options.output ? options.to : "standard output";
  // A device or a pipe cannot be cut, and has nothing to lose.
  if (options.output) static_cast<void>(::ftruncate(::fileno(file), 0));
  int write_failure = 0;
  const Sink sink = [&](std::string_view text) {
    if (options.captured != nullptr) {
      options.captured->append(text);
      return true;
    }
    if (std::fwrite(text.data(), 1, text.size(), file) == text.size()) return true;
    write_failure = errno;
    return false;
  };
  const RenderOptions render{options.column_names(), !options.no_headings, options.bytes,
                             wants_color(options, ::fileno(file)), terminal_width(::fileno(file))};
  auto outcome = find_renderer(options.chosen_format())->render(report, render, sink);
  if (!outcome) return std::move(outcome).error();
  if (write_failure == 0 && std::fflush(file) != 0) write_failure = errno;
  if (write_failure != 0 && write_failure != EPIPE) return write_error(name, write_failure);
  if (options.chosen_format() != "json") print_notes(report.notes, options.verbose);
  if (write_failure == EPIPE) return int{exit_done};  // whoever reads has enough
  if (found) return int{exit_found};
  return int{outcome->absences || incomplete ? exit_partial : exit_done};
}

}  // namespace memsect
