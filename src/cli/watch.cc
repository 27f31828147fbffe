#include "cli/watch.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>
#include <map>
#include <string_view>
#include <vector>

#include "cli/output.h"

namespace memsect {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!line.empty()) lines.push_back(line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return lines;
}

/// The line with single blanks: a table's columns are as wide as their widest cell of the moment.
std::string without_padding(std::string_view line) {
  std::string text;
  for (const char c : line) {
    if (c != ' ' || text.empty() || text.back() != ' ') text += c;
  }
  return text;
}

/// The lines of `lines` that `others` has not, each with `sign` in front.
std::string lines_missing(const std::vector<std::string_view>& lines,
                          const std::vector<std::string_view>& others, char sign) {
  std::map<std::string, int> count;
  for (const std::string_view line : others) ++count[without_padding(line)];
  std::string text;
  for (const std::string_view line : lines) {
    if (--count[without_padding(line)] < 0) text += fmt::format("{} {}\n", sign, line);
  }
  return text;
}

std::string changes(const std::string& before, const std::string& now) {
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(now);
  return lines_missing(old_lines, new_lines, '-') + lines_missing(new_lines, old_lines, '+');
}

/// False when nobody reads any more.
bool print(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

/// Lets the time go by; false at once when nobody reads any more.
bool wait(unsigned seconds) {
  constexpr unsigned most = std::numeric_limits<int>::max() / 1000;
  pollfd out{STDOUT_FILENO, 0, 0};  // what has happened to it is told unasked
  return ::poll(&out, 1, static_cast<int>(std::min(seconds, most) * 1000)) <= 0;
}

}  // namespace

Result<int> watch(unsigned seconds, bool whole, const std::function<Result<int>(std::string&)>& command) {
  std::string last;
  for (bool first = true;; first = false) {
    std::string answer;
    auto code = command(answer);
    if (!code) return code;
    const std::string changed = first || (whole && answer != last) ? answer
                                : whole                            ? ""
                                                                   : changes(last, answer);
    const std::string heading =
        first || whole ? "" : fmt::format("--- {:%T}\n", fmt::localtime(std::time(nullptr)));
    if (!changed.empty() && !print(heading + changed)) return int{exit_done};
    last = std::move(answer);
    if (!wait(seconds)) return int{exit_done};
  }
}

}  // namespace memsect
