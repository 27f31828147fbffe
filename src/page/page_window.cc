#include "page/page_window.h"

#include <algorithm>

namespace memsect {

Result<void> PageWindow::load(const AddressSpace& space, VirtAddr start, std::uint64_t size) {
  start_ = start;
  size_ = std::min(size, most_bytes);
  lost_.clear();
  const auto out = buffer_.span().first(size_);
  auto whole = space.read(start_, out);
  if (whole) return {};
  lost_.assign((size_ + page_size_ - 1) / page_size_, false);
  for (std::uint64_t at = 0; at < size_; at += page_size_) {
    const auto page = out.subspan(at, std::min(page_size_, size_ - at));
    if (!space.read(start_ + at, page)) lost_[at / page_size_] = true;
  }
  return whole;
}

std::optional<Bytes> PageWindow::find(VirtAddr at, std::uint64_t size) const {
  const std::uint64_t from = at - start_;  // wraps before the start
  if (from >= size_ || size > size_ - from) return std::nullopt;
  if (!lost_.empty() && (lost_[from / page_size_] || lost_[(from + size - 1) / page_size_]))
    return std::nullopt;
  return Bytes(buffer_.span()).subspan(from, size);
}

std::optional<Bytes> PageWindow::get(const AddressSpace& space, VirtAddr at, std::uint64_t size) {
  if (const auto bytes = find(at, size)) return bytes;
  aside_.resize(size);
  if (!space.read(at, aside_)) return std::nullopt;
  return Bytes(aside_);
}

}  // namespace memsect
