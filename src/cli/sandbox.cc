// Three locks, from the outside in:
//
//   capabilities   all dropped (live: all but CAP_SYS_RAWIO), and no_new_privs: nothing brings them back
//   Landlock       live only, Linux 5.13+: of the file system, reading of the named files is left. Where the kernel has
//                  no Landlock the next one has to do
//   seccomp        system calls that work on what is open are on a list. Those that reach for something else - files to
//                  write, programs, the network, other processes - kill the process. Opening for reading is left for
//                  the running kernel alone, and refused otherwise. Any other call answers ENOSYS, as on a kernel that does not have it: C
//                  libraries take up new calls with every release (isatty() of glibc 2.42 began to ask TCGETS2), and
//                  know how to do without
//
// System calls are named by libseccomp, which knows their numbers on every machine.
#include "cli/sandbox.h"

#ifdef MEMSECT_WITH_SANDBOX

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>

namespace memsect {
namespace {

Error refused(std::string_view what, int number) {
  return {Errc::io, fmt::format("{}: {}", what, std::generic_category().message(number)),
          "use --no-sandbox to continue without it"};
}

Result<void> drop_capabilities(std::uint32_t kept) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("no_new_privs cannot be set", errno);
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return refused("capabilities cannot be read", errno);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint32_t mask = i == 0 ? kept : 0;
    data[i].effective &= mask;
    data[i].permitted &= mask;
    data[i].inheritable = 0;
  }
  if (::syscall(SYS_capset, &header, data.data()) != 0)
    return refused("capabilities cannot be dropped", errno);
  return {};
}

/// Leaves reading of `paths`, and what is below them. A kernel without Landlock is no failure.
Result<void> restrict_files(const std::vector<std::string>& paths) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
      LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
      LANDLOCK_ACCESS_FS_MAKE_SYM;
  const auto rules =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (rules < 0) return {};
  for (const std::string& path : paths) {
    landlock_path_beneath_attr rule{};
    rule.parent_fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) continue;  // not there: nothing to be read
    struct stat status {};
    const bool is_folder = ::fstat(rule.parent_fd, &status) == 0 && S_ISDIR(status.st_mode);
    rule.allowed_access =
        LANDLOCK_ACCESS_FS_READ_FILE | (is_folder ? LANDLOCK_ACCESS_FS_READ_DIR : std::uint64_t{0});
    ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    ::close(rule.parent_fd);
  }
  const bool done = ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  const int number = errno;
  ::close(rules);
  return done ? Result<void>() : refused("Landlock refuses", number);
}

// What reading open files, memory, threads, time, and writing to open files take.
constexpr std::array<std::string_view, 49> allowed_calls{"read",
                                                         "pread64",
                                                         "readv",
                                                         "lseek",
                                                         "_llseek",
                                                         "write",
                                                         "pwrite64",
                                                         "writev",
                                                         "close",
                                                         "fstat",
                                                         "fstat64",
                                                         "statx",
                                                         "fsync",
                                                         "fdatasync",
                                                         "ftruncate",
                                                         "ftruncate64",
                                                         "munmap",
                                                         "mremap",
                                                         "madvise",
                                                         "brk",
                                                         "futex",
                                                         "futex_time64",
                                                         "set_robust_list",
                                                         "rseq",
                                                         "sched_yield",
                                                         "sched_getaffinity",
                                                         "exit",
                                                         "exit_group",
                                                         "rt_sigreturn",
                                                         "sigreturn",
                                                         "rt_sigprocmask",
                                                         "rt_sigaction",
                                                         "sigaltstack",
                                                         "tgkill",
                                                         "getpid",
                                                         "gettid",
                                                         "clock_gettime",
                                                         "clock_gettime64",
                                                         "poll",
                                                         "ppoll",
                                                         "ppoll_time64",
                                                         "clock_nanosleep",
                                                         "clock_nanosleep_time64",
                                                         "nanosleep",
                                                         "gettimeofday",
                                                         "getrandom",
                                                         "restart_syscall",
                                                         "prlimit64",
                                                         "ugetrlimit"};

// What reaches beyond what is open.
constexpr std::array<std::string_view, 61> deadly_calls{"openat2",
                                                        "creat",
                                                        "execve",
                                                        "execveat",
                                                        "fork",
                                                        "vfork",
                                                        "socket",
                                                        "socketcall",
                                                        "socketpair",
                                                        "connect",
                                                        "bind",
                                                        "sendto",
                                                        "sendmsg",
                                                        "sendmmsg",
                                                        "ptrace",
                                                        "process_vm_readv",
                                                        "process_vm_writev",
                                                        "pidfd_open",
                                                        "pidfd_getfd",
                                                        "kill",
                                                        "tkill",
                                                        "bpf",
                                                        "mount",
                                                        "umount",
                                                        "umount2",
                                                        "pivot_root",
                                                        "chroot",
                                                        "unshare",
                                                        "setns",
                                                        "open_by_handle_at",
                                                        "init_module",
                                                        "finit_module",
                                                        "delete_module",
                                                        "kexec_load",
                                                        "kexec_file_load",
                                                        "reboot",
                                                        "link",
                                                        "symlink",
                                                        "symlinkat",
                                                        "mkdir",
                                                        "mkdirat",
                                                        "rmdir",
                                                        "mknod",
                                                        "mknodat",
                                                        "truncate",
                                                        "truncate64",
                                                        "chmod",
                                                        "fchmodat",
                                                        "chown",
                                                        "lchown",
                                                        "fchownat",
                                                        "io_uring_setup",
                                                        "perf_event_open",
                                                        "userfaultfd",
                                                        "add_key",
                                                        "keyctl",
                                                        "memfd_create",
                                                        "setuid",
                                                        "setresuid",
                                                        "swapon",
                                                        "acct"};
// How an OutputFile gets its name.
constexpr std::array<std::string_view, 6> naming_calls{"linkat",    "rename", "renameat",
                                                       "renameat2", "unlink", "unlinkat"};

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};

/// Collects the first failure.
class Rules {
 public:
  explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}
  /// A call that this machine does not have is none to allow.
  template <class... Conditions>
  void add(std::uint32_t action, std::string_view name, const Conditions&... conditions) {
    const int number = seccomp_syscall_resolve_name(std::string(name).c_str());
    if (number == __NR_SCMP_ERROR) return;
    const std::array<scmp_arg_cmp, sizeof...(Conditions) + 1> all{conditions..., {}};
    const int result = seccomp_rule_add_array(filter_, action, number, sizeof...(Conditions), all.data());
    if (result != 0 && result != -EDOM && result_ == 0) result_ = result;
  }
  int result() const { return result_; }

 private:
  scmp_filter_ctx filter_;
  int result_ = 0;
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp has_bits(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

/// Which argument of clone() has the flags.
#ifdef __s390x__
constexpr unsigned clone_flags = 1;
#else
constexpr unsigned clone_flags = 0;
#endif

/// Whether it is a terminal, and how wide. TCGETS2 by its definition: struct termios2, 44 bytes, does not go together
/// with the C library's termios.h.
void add_terminal_rules(Rules& rules) {
  constexpr std::uint64_t tcgets2 = _IOC(_IOC_READ, 'T', 0x2a, 44);
  for (const std::uint64_t request : {std::uint64_t{TCGETS}, tcgets2, std::uint64_t{TIOCGWINSZ}})
    rules.add(SCMP_ACT_ALLOW, "ioctl", equals(1, request));
}

/// Of the C library's own accord files are read at odd moments (malloc() counts the CPUs for the first thread): that is
/// refused. Whoever writes is killed.
void add_opening_rules(Rules& rules, std::uint32_t deadly, bool may_reopen) {
  constexpr std::uint64_t changes = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
  struct Opening {
    const char* call;
    unsigned flags;  // which argument
  };
  for (const Opening& opening : {Opening{"openat", 2}, Opening{"open", 1}}) {
    rules.add(may_reopen ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), opening.call,
              has_bits(opening.flags, changes, O_RDONLY));
    for (const std::uint64_t change :
         {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, static_cast<int>(O_TMPFILE & ~O_DIRECTORY)})
      rules.add(deadly, opening.call, has_bits(opening.flags, change, change));
  }
  if (!may_reopen) return;
  for (const char* call : {"access", "faccessat", "faccessat2", "fstatfs", "fstatfs64"})
    rules.add(SCMP_ACT_ALLOW, call);
}

void add_rules(Rules& rules, std::uint32_t deadly, const SandboxNeeds& needs) {
  for (const std::string_view call : allowed_calls) rules.add(SCMP_ACT_ALLOW, call);
  for (const std::string_view call : deadly_calls) rules.add(deadly, call);
  for (const std::string_view call : naming_calls)
    rules.add(needs.names_output ? SCMP_ACT_ALLOW : deadly, call);
  for (const char* call : {"mmap", "mmap2", "mprotect"}) {
    rules.add(SCMP_ACT_ALLOW, call, has_bits(2, PROT_EXEC, 0));
    rules.add(deadly, call, has_bits(2, PROT_EXEC, PROT_EXEC));
  }
  for (const int command : {F_GETFD, F_GETFL}) {
    for (const char* call : {"fcntl", "fcntl64"})
      rules.add(SCMP_ACT_ALLOW, call, equals(1, static_cast<std::uint64_t>(command)));
  }
  add_terminal_rules(rules);
  // fstat() of newer C libraries.
  rules.add(SCMP_ACT_ALLOW, "newfstatat", has_bits(3, AT_EMPTY_PATH, AT_EMPTY_PATH));
  // Threads, not processes. clone3 hides its flags behind a pointer; without it the C library takes clone.
  rules.add(SCMP_ACT_ALLOW, "clone", has_bits(clone_flags, CLONE_THREAD, CLONE_THREAD));
  rules.add(deadly, "clone", has_bits(clone_flags, CLONE_THREAD, 0));
  add_opening_rules(rules, deadly, !needs.reopened.empty());
}

/// Killing the whole process came with Linux 4.14; before, a filter kills the thread.
std::uint32_t deadly_action() {
  constexpr unsigned knows_kill_process = 3;
  return seccomp_api_get() >= knows_kill_process ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_KILL;
}

Result<void> restrict_calls(const SandboxNeeds& needs) {
  const std::unique_ptr<void, FilterDeleter> filter(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (!filter) return refused("no filter of system calls can be made", ENOMEM);
  // Else every refusal of the kernel is ECANCELED.
  static_cast<void>(seccomp_attr_set(filter.get(), SCMP_FLTATR_API_SYSRAWRC, 1));
  Rules rules(filter.get());
  add_rules(rules, deadly_action(), needs);
  if (rules.result() != 0) return refused("the filter of system calls cannot be made", -rules.result());
  const int result = seccomp_load(filter.get());
  // Not built into this kernel: the capabilities are gone all the same.
  if (result == -EINVAL || result == -ENOSYS) return {};
  return result == 0 ? Result<void>() : refused("the kernel refuses the filter of system calls", -result);
}

}  // namespace

bool has_sandbox() { return true; }

Result<void> enter_sandbox(const SandboxNeeds& needs) {
  const std::uint32_t reading = needs.reopened.empty() ? 0 : std::uint32_t{1} << CAP_SYS_RAWIO;
  const std::uint32_t naming = needs.names_output ? std::uint32_t{1} << CAP_DAC_OVERRIDE : 0;
  if (auto done = drop_capabilities(reading | naming); !done) return done;
  if (!needs.reopened.empty()) {
    if (auto done = restrict_files(needs.reopened); !done) return done;
  }
  return restrict_calls(needs);
}

}  // namespace memsect

#else

namespace memsect {

bool has_sandbox() { return false; }
Result<void> enter_sandbox(const SandboxNeeds&) { return {}; }

}  // namespace memsect

#endif
