#include "base/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace memsect {

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return Error{Errc::usage, path + ": exists and is not a regular file", "name a file to be written"};
  }
  // A link stays one: what it points to is replaced.
  std::error_code unresolved;
  const std::filesystem::path resolved = std::filesystem::canonical(path, unresolved);
  const std::string target = unresolved ? path : resolved.string();
  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  // A file without a name is gone with the process, however that ends. Not every file system has them.
  std::string partial;
  int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) {
    partial = target + ".XXXXXX";
    descriptor = ::mkostemp(partial.data(), O_CLOEXEC);  // mode 0600
  }
  if (descriptor < 0) {
    return Error{
        Errc::io, fmt::format("{}: cannot be written: {}", path, std::generic_category().message(errno)), {}};
  }
  return std::unique_ptr<OutputFile>(new OutputFile(target, std::move(partial), descriptor));
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!partial_.empty()) ::unlink(partial_.c_str());
}

Error OutputFile::failure(int number) const {
  return {
      Errc::io, fmt::format("{}: cannot be written: {}", path_, std::generic_category().message(number)), {}};
}

Result<void> OutputFile::write(std::uint64_t offset, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return failure(done < 0 ? errno : ENOSPC);
    offset += static_cast<std::uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    size_ = std::max(size_, offset);
  }
  return {};
}

/// Links a file without a name to one beside its last, which rename() can then put in place at once.
Result<void> OutputFile::give_name() {
  constexpr int tries = 100;
  const std::string self = fmt::format("/proc/self/fd/{}", descriptor_);
  for (int i = 0; partial_.empty() && i < tries; ++i) {
    const std::string name = fmt::format("{}.{}.{}", path_, ::getpid(), i);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      partial_ = name;
    } else if (errno != EEXIST) {
      return failure(errno);
    }
  }
  return partial_.empty() ? Result<void>(failure(EEXIST)) : Result<void>();
}

Result<void> OutputFile::commit(std::uint64_t length) {
  if (::ftruncate(descriptor_, static_cast<off_t>(length)) != 0 || ::fsync(descriptor_) != 0)
    return failure(errno);
  if (auto named = give_name(); !named) return named;
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) return failure(errno);
  partial_.clear();
  return {};
}

}  // namespace memsect
