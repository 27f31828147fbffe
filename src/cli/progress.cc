#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/output.h"

namespace memsect {
namespace {

using namespace std::chrono_literals;
constexpr auto before_first = 1s;
constexpr auto between = 200ms;

}  // namespace

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)),
      total_(std::max<std::uint64_t>(total, 1)),
      wanted_(::isatty(STDERR_FILENO) != 0),
      next_(Clock::now() + before_first) {}

Progress::~Progress() {
  if (shown_) print_message("\r\033[K");
}

void Progress::advance(std::uint64_t count) {
  done_ += count;
  if (!wanted_ || Clock::now() < next_) return;
  next_ = Clock::now() + between;
  shown_ = true;
  print_message(fmt::format("\r{}: {} %", what_, std::min<std::uint64_t>(done_ * 100 / total_, 100)));
  std::fflush(stderr);
}

}  // namespace memsect
