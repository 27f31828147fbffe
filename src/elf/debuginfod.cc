// libdebuginfod's interface is declared here as debuginfod(8)'s manual has it, not included: the library is loaded at
// run time, and building must not need it. Its ABI is stable since 0.178 (libdebuginfod.so.1).
#include "elf/debuginfod.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

namespace memsect {
namespace {

struct Client;
using ProgressFunction = int (*)(Client*, long done, long total);

struct Library {
  Client* (*begin)() = nullptr;
  void (*end)(Client*) = nullptr;
  int (*find_debuginfo)(Client*, const unsigned char* build_id, int build_id_size, char** path) = nullptr;
  void (*set_progress)(Client*, ProgressFunction) = nullptr;
};

template <class Function>
bool look_up(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  return function != nullptr;
}

Result<Library> load_library() {
  void* const handle = ::dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);  // for the rest of the run
  if (handle == nullptr) {
    return Error{Errc::unsupported, "libdebuginfod.so.1 cannot be loaded",
                 "install it (Debian: libdebuginfod1)"};
  }
  Library library;
  const bool complete = look_up(handle, "debuginfod_begin", library.begin) &&
                        look_up(handle, "debuginfod_end", library.end) &&
                        look_up(handle, "debuginfod_find_debuginfo", library.find_debuginfo) &&
                        look_up(handle, "debuginfod_set_progressfn", library.set_progress);
  if (!complete) return Error{Errc::unsupported, "libdebuginfod.so.1 is too old", "0.180 or newer is needed"};
  return library;
}

}  // namespace

Result<std::string> fetch_debuginfo(const std::string& build_id, const FetchProgress& progress) {
  const char* const urls = std::getenv("DEBUGINFOD_URLS");
  if (urls == nullptr || *urls == '\0') {
    return Error{Errc::unsupported, "debuginfod: DEBUGINFOD_URLS names no server",
                 "set it to your distribution's server, see debuginfod-find(1)"};
  }
  auto library = load_library();
  if (!library) return std::move(library).error().within("debuginfod");
  const std::unique_ptr<Client, void (*)(Client*)> client(library->begin(), library->end);
  if (!client) return Error{Errc::io, "debuginfod: no client could be made", {}};
  // The callback is a plain function, called by this thread.
  thread_local const FetchProgress* watcher = nullptr;
  watcher = &progress;
  library->set_progress(client.get(), [](Client*, long done, long total) {
    if (*watcher && done >= 0 && total >= 0)
      (*watcher)(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total));
    return 0;  // go on
  });
  char* path = nullptr;
  // A size of 0 says that the ID is text.
  const int descriptor = library->find_debuginfo(
      client.get(), reinterpret_cast<const unsigned char*>(build_id.c_str()), 0, &path);
  const std::unique_ptr<char, void (*)(void*)> owned(path, std::free);
  if (descriptor < 0) {
    const int reason = -descriptor;
    return Error{reason == ENOENT ? Errc::not_in_dump : Errc::io,
                 fmt::format("debuginfod: build ID {} from {}: {}", build_id, urls,
                             reason == ENOENT ? "not there" : std::generic_category().message(reason)),
                 {}};
  }
  ::close(descriptor);
  return std::string(path);
}

}  // namespace memsect
