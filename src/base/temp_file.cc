#include "base/temp_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace memsect {
namespace {

constexpr std::size_t hole_size = 4096;

bool is_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{}; });
}

Error failure(const std::string& folder, int number, std::uint64_t written) {
  std::string text = fmt::format("a temporary file in {} cannot be written: {}", folder,
                                 std::generic_category().message(number));
  if (written > 0) text += fmt::format(" (after {} bytes)", written);
  return {Errc::io, text, "name a folder with more room: TMPDIR=FOLDER memsect ..."};
}

}  // namespace

Result<TempStore> TempStore::create() {
  const char* const wanted = std::getenv("TMPDIR");
  const std::string folder = wanted != nullptr && *wanted != '\0' ? wanted : "/var/tmp";
  // Not every file system has files without a name.
  int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, S_IRUSR | S_IWUSR);
  if (descriptor < 0) {
    std::string path = folder + "/memsect.XXXXXX";
    descriptor = ::mkostemp(path.data(), O_CLOEXEC);  // mode 0600
    if (descriptor < 0) return failure(folder, errno, 0);
    ::unlink(path.c_str());
  }
  return TempStore(folder, descriptor);
}

TempStore::TempStore(TempStore&& other) noexcept
    : folder_(std::move(other.folder_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

TempStore::~TempStore() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> TempStore::write(std::uint64_t offset, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return failure(folder_, done < 0 ? errno : ENOSPC, offset);
    offset += static_cast<std::uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

Result<void> TempStore::append(Bytes bytes) {
  while (!bytes.empty()) {
    // Up to the next border of a block, so that whole blocks of zeros are seen as such.
    std::size_t count = std::min<std::size_t>(bytes.size(), hole_size - size_ % hole_size);
    const bool hole = is_zero(bytes.first(count));
    while (count < bytes.size()) {
      const Bytes next = bytes.subspan(count, std::min(hole_size, bytes.size() - count));
      if (is_zero(next) != hole) break;
      count += next.size();
    }
    if (!hole) {
      if (auto done = write(size_, bytes.first(count)); !done) return done;
    }
    size_ += count;
    bytes = bytes.subspan(count);
  }
  return {};
}

Result<std::shared_ptr<const File>> TempStore::finish(std::string name, Notes remarks) && {
  // A hole at the end is no part of the file yet.
  if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) return failure(folder_, errno, size_);
  return File::adopt(std::move(name), std::exchange(descriptor_, -1), size_, std::move(remarks));
}

}  // namespace memsect
