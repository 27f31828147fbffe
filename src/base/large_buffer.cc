#include "base/large_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace memsect {
namespace {

/// x86-64's, and a fair guess elsewhere: only an alignment, and a threshold for asking.
constexpr std::size_t huge_page = std::size_t{2} << 20;

}  // namespace

LargeBuffer::LargeBuffer(std::size_t size) : size_(size) {
  if (size < huge_page) {
    bytes_.reset(static_cast<std::byte*>(std::malloc(size == 0 ? 1 : size)));
  } else {
    const std::size_t rounded = (size + huge_page - 1) / huge_page * huge_page;
    bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(huge_page, rounded)));
    // Only a wish: refused, the pages come one by one.
    if (bytes_) static_cast<void>(madvise(bytes_.get(), rounded, MADV_HUGEPAGE));
  }
  if (!bytes_) throw std::bad_alloc();
}

void LargeBuffer::Free::operator()(std::byte* bytes) const { std::free(bytes); }

}  // namespace memsect
