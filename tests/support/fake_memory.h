// Physical memory made in a test: pages appear where something is written, and any page can be declared
// absent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "memory/physical_memory.h"

namespace memsect::test {

/// A sparse PhysicalMemory. Writing to an address makes its page, zero-filled around the bytes written; what
/// was never written is `not_in_dump`. Build it first, then read: it is not meant to change while something
/// reads it.
class FakeMemory : public PhysicalMemory {
 public:
  explicit FakeMemory(ByteOrder order = ByteOrder::little, std::uint64_t page_size = 4096)
      : order_(order), page_size_(page_size) {}

  /// Makes the pages of `range`, zero-filled where they were not there before.
  void add(PhysRange range) {
    if (range.empty()) return;
    for (std::uint64_t at = page_of(range.start); at <= page_of(range.end() - 1); at += page_size_) page(at);
  }
  void write(PhysAddr at, Bytes bytes) {
    std::uint64_t to = at.raw();
    while (!bytes.empty()) {
      const std::size_t within = static_cast<std::size_t>(to % page_size_);
      const std::size_t count = std::min(bytes.size(), static_cast<std::size_t>(page_size_) - within);
      std::memcpy(page(page_of(PhysAddr(to))).data() + within, bytes.data(), count);
      bytes = bytes.subspan(count);
      to += count;
    }
  }
  /// The low `size` bytes of `value`, in the byte order given to the constructor.
  void write_unsigned(PhysAddr at, std::uint64_t value, std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
      bytes[order_ == ByteOrder::little ? i : size - 1 - i] = static_cast<std::byte>(value >> (8 * i));
    }
    write(at, bytes);
  }
  void write_u8(PhysAddr at, std::uint8_t value) { write_unsigned(at, value, 1); }
  void write_u16(PhysAddr at, std::uint16_t value) { write_unsigned(at, value, 2); }
  void write_u32(PhysAddr at, std::uint32_t value) { write_unsigned(at, value, 4); }
  void write_u64(PhysAddr at, std::uint64_t value) { write_unsigned(at, value, 8); }
  /// The characters and a NUL.
  void write_text(PhysAddr at, std::string_view text) {
    const std::string with_end(text);
    write(at, std::as_bytes(std::span(with_end.c_str(), with_end.size() + 1)));
  }

  /// Reads of the pages of `range` fail with `reason`. All but `not_in_dump` stay inside ranges(), as in a
  /// real dump.
  void withhold(PhysRange range, Errc reason) {
    add(range);
    if (range.empty()) return;
    for (std::uint64_t at = page_of(range.start); at <= page_of(range.end() - 1); at += page_size_)
      withheld_[at] = reason;
    ranges_.clear();
  }
  void exclude(PhysRange range) { withhold(range, Errc::excluded); }

  Result<std::vector<PhysRange>> ranges() const override {
    if (ranges_.empty()) find_ranges();
    return ranges_;
  }
  Result<View> view(PhysAddr at, std::size_t want) const override {
    const std::string where = "fake memory at " + std::to_string(at.raw());
    if (const auto absent = withheld_.find(page_of(at)); absent != withheld_.end()) {
      return Error{absent->second, where, {}};
    }
    const auto found = pages_.find(page_of(at));
    if (found == pages_.end()) return Error{Errc::not_in_dump, where, {}};
    const Bytes rest = Bytes(found->second).subspan(static_cast<std::size_t>(at.raw() % page_size_));
    return View{rest.first(std::min(want, rest.size())), nullptr};
  }

 private:
  std::uint64_t page_of(PhysAddr at) const { return at.raw() - at.raw() % page_size_; }
  std::vector<std::byte>& page(std::uint64_t start) {
    std::vector<std::byte>& bytes = pages_[start];
    if (bytes.empty()) {
      bytes.resize(static_cast<std::size_t>(page_size_));
      ranges_.clear();
    }
    return bytes;
  }
  void find_ranges() const {
    for (const auto& [start, bytes] : pages_) {
      const auto absent = withheld_.find(start);
      if (absent != withheld_.end() && absent->second == Errc::not_in_dump) continue;
      if (!ranges_.empty() && ranges_.back().end().raw() == start) {
        ranges_.back().size += bytes.size();
      } else {
        ranges_.push_back({PhysAddr(start), bytes.size()});
      }
    }
  }

  ByteOrder order_;
  std::uint64_t page_size_;
  std::map<std::uint64_t, std::vector<std::byte>> pages_;
  std::map<std::uint64_t, Errc> withheld_;
  mutable std::vector<PhysRange> ranges_;
};

}  // namespace memsect::test
