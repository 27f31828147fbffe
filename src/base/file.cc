#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace memsect {
namespace {

constexpr std::size_t block_size = std::size_t{4} << 10;
constexpr std::size_t cached_blocks = 1024;  // 4 MiB

Error system_error(int number, std::string_view what) {
  return {Errc::io, fmt::format("{}: {}", what, std::generic_category().message(number)), {}};
}

}  // namespace

File::File(std::string path, int descriptor, std::uint64_t size, Notes remarks)
    : path_(std::move(path)),
      descriptor_(descriptor),
      size_(size),
      remarks_(std::move(remarks)),
      blocks_(cached_blocks) {}

File::~File() { ::close(descriptor_); }

Result<std::shared_ptr<const File>> File::open(const std::string& path) {
  // O_NONBLOCK so that opening a FIFO without a writer fails here instead of hanging.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const int number = errno;
    Error error = system_error(number, "cannot be opened");
    if (number == EACCES) error.hint = "dumps are usually readable by root only: try again with sudo";
    return error;
  }
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    const int number = errno;
    ::close(descriptor);
    return system_error(number, "cannot be examined");
  }
  if (S_ISDIR(status.st_mode)) {
    ::close(descriptor);
    return Error{Errc::bad_format, "is a directory",
                 "name the dump in it, usually called vmcore or dump.TIME"};
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return Error{Errc::unsupported, "is not a regular file, and a dump is read at random",
                 "save it to a file first"};
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return std::shared_ptr<const File>(new File(path, descriptor, size, Notes()));
}

std::shared_ptr<const File> File::adopt(std::string path, int descriptor, std::uint64_t size, Notes remarks) {
  return std::shared_ptr<const File>(new File(std::move(path), descriptor, size, std::move(remarks)));
}

Result<std::size_t> File::read_some(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t at = offset + done;
    if (at >= size_) break;  // also keeps the offset inside off_t
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, fmt::format("reading at offset {:#x}", at));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<Block> File::load_block(std::uint64_t index) const {
  Block block(block_size);
  auto got = read_some(index * block_size, block);
  if (!got) return std::move(got).error();
  block.resize(*got);
  return block;
}

Result<View> File::view(std::uint64_t offset, std::size_t want) const {
  auto block = blocks_.get(offset / block_size, [this](std::uint64_t index) { return load_block(index); });
  if (!block) return std::move(block).error();
  const std::size_t within = offset % block_size;
  if (within >= (*block)->size()) {
    return Error{
        Errc::truncated,
        fmt::format("the file ends before offset {:#x} (it had {:#x} bytes when opened)", offset, size_),
        {}};
  }
  const Bytes bytes = Bytes(**block).subspan(within, std::min(want, (*block)->size() - within));
  return View{bytes, *block};
}

std::uint64_t File::next_data(std::uint64_t offset) const {
  if (offset >= size_) return size_;
  // Moves the descriptor's position, which nobody uses: all reads name their offset.
  const off_t found = ::lseek(descriptor_, static_cast<off_t>(offset), SEEK_DATA);
  if (found >= 0) return std::min(static_cast<std::uint64_t>(found), size_);
  // ENXIO: only a hole is left, or the file has shrunk, and then the bytes are not zeros.
  if (errno != ENXIO) return offset;
  const off_t end = ::lseek(descriptor_, 0, SEEK_END);
  return end >= 0 && static_cast<std::uint64_t>(end) >= size_ ? size_ : offset;
}

}  // namespace memsect
