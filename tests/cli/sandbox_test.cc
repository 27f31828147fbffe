#include "cli/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace memsect {
namespace {

/// Each test runs in a process of its own: there is no way out of the sandbox.
class SandboxDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    if (!has_sandbox()) GTEST_SKIP() << "this build has no sandbox";
  }
};

void enter(const SandboxNeeds& needs = {}) {
  if (!enter_sandbox(needs)) std::_Exit(2);
}

const ::testing::KilledBySignal killed(SIGSYS);
const ::testing::ExitedWithCode ends_well(0);

void open_a_file() {
  enter();
  const int file = ::open("/etc/hostname", O_RDONLY);
  std::_Exit(file < 0 && errno == EACCES ? 0 : 3);
}

TEST_F(SandboxDeathTest, RefusesFiles) { EXPECT_EXIT(open_a_file(), ends_well, ""); }

TEST_F(SandboxDeathTest, KillsWhoWritesAFile) {
  for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC})
    EXPECT_EXIT((enter(), ::open("/tmp/memsect-sandbox", flags, 0600), std::_Exit(0)), killed, "");
}

TEST_F(SandboxDeathTest, KillsWhoTalksToTheNetwork) {
  EXPECT_EXIT((enter(), ::socket(AF_INET, SOCK_STREAM, 0), std::_Exit(0)), killed, "");
}

TEST_F(SandboxDeathTest, KillsWhoStartsAnotherProgram) {
  EXPECT_EXIT((enter(), ::execl("/bin/true", "true", nullptr), std::_Exit(0)), killed, "");
  EXPECT_EXIT((enter(), ::fork(), std::_Exit(0)), killed, "");
}

TEST_F(SandboxDeathTest, KillsWhoWritesAFileThoughFilesMayBeOpenedAgain) {
  EXPECT_EXIT((enter({.reopened = {"/proc/version"}}),
               ::open("/tmp/memsect-sandbox", O_WRONLY | O_CREAT, 0600), std::_Exit(0)),
              killed, "");
}

void read_allocate_and_run_threads() {
  const int file = ::open("/proc/version", O_RDONLY);
  enter();
  std::array<char, 16> text{};
  if (::pread(file, text.data(), text.size(), 0) <= 0) std::_Exit(3);
  std::vector<char> large(std::size_t{64} << 20, 'x');
  constexpr int count = 8;
  std::vector<std::thread> threads;  // each with memory of its own: malloc() gives them arenas
  threads.reserve(count);
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&large, i] {
      const std::vector<char> own(1000 + i, 'y');
      if (i == 0) large.back() = own.front();
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (large.back() != 'y' || ::write(STDERR_FILENO, "out", 3) != 3) std::_Exit(4);
  std::exit(0);
}

TEST_F(SandboxDeathTest, LetsOneReadAllocateWriteAndRunThreads) {
  EXPECT_EXIT(read_allocate_and_run_threads(), ends_well, "out");
}

void wait_for_the_reader() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) std::_Exit(2);
  enter();
  pollfd out{ends[1], 0, 0};
  if (::poll(&out, 1, 1) != 0) std::_Exit(3);
  ::close(ends[0]);
  std::_Exit(::poll(&out, 1, 10000) == 1 ? 0 : 4);
}

TEST_F(SandboxDeathTest, LetsOneWaitUntilNobodyReads) { EXPECT_EXIT(wait_for_the_reader(), ends_well, ""); }

/// isatty() of glibc 2.42 and newer.
void ask_the_terminal_and_the_unknown() {
  enter();
  constexpr unsigned long tcgets2 = 0x802c542a;
  constexpr long no_such_call = 4000;
  errno = 0;
  ::ioctl(STDERR_FILENO, tcgets2, nullptr);
  // ENOTTY or EFAULT say that the kernel was asked.
  if (errno == ENOSYS || errno == EPERM) std::_Exit(4);
  errno = 0;
  if (::syscall(no_such_call) != -1 || errno != ENOSYS) std::_Exit(3);
  std::exit(0);
}

TEST_F(SandboxDeathTest, SurvivesCallsOfOtherCLibraries) {
  EXPECT_EXIT(ask_the_terminal_and_the_unknown(), ends_well, "");
}

void reopen() {
  enter({.reopened = {"/proc/version"}});
  if (::open("/proc/version", O_RDONLY) < 0) std::_Exit(3);
  std::exit(0);
}

TEST_F(SandboxDeathTest, LetsOneReopenWhatWasNamed) { EXPECT_EXIT(reopen(), ends_well, ""); }

void look_at_capabilities() {
  enter({.reopened = {"/proc/self/status"}});
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    const auto left = std::strtoull(line.c_str() + line.find('\t'), nullptr, 16);
    constexpr unsigned long long rawio = 1 << 17;
    std::_Exit((left & ~rawio) == 0 ? 0 : 3);
  }
  std::_Exit(4);
}

TEST_F(SandboxDeathTest, LeavesNoCapabilityButThatOfReadingMemory) {
  EXPECT_EXIT(look_at_capabilities(), ends_well, "");
}

}  // namespace
}  // namespace memsect
