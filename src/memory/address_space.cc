#include "memory/address_space.h"

#include <fmt/format.h>

#include <algorithm>
namespace memsect {
namespace {

/// No object of the kernel is mapped in more pieces; page tables that say so are damaged or made to keep us
/// busy.
constexpr std::size_t most_pieces = 1 << 20;

void append_merged(std::vector<PhysRange>& ranges, PhysRange next) {
  if (!ranges.empty() && ranges.back().end() == next.start) {
    ranges.back().size += next.size;
  } else {
    ranges.push_back(next);
  }
}

Error not_mapped(VirtAddr at) {
  return {Errc::not_mapped, fmt::format("virtual address {:#x} is not mapped", at.raw()), {}};
}

}  // namespace

Result<Mapping> AddressSpace::mapping_at(VirtAddr at) const {
  for (const Mapping& known : recent_) {
    const std::uint64_t within = at - known.start;
    if (within >= known.size) continue;
    Mapping part{at, known.size - within, known.phys};
    if (part.phys) *part.phys += within;
    return part;
  }
  auto mapping = translator_->mapping_at(at);
  if (mapping) {
    recent_[next_recent_] = *mapping;
    next_recent_ = (next_recent_ + 1) % recent_.size();
  }
  return mapping;
}

Result<PhysAddr> AddressSpace::translate(VirtAddr at) const {
  auto mapping = mapping_at(at);
  if (!mapping) return std::move(mapping).error();
  if (!mapping->phys) return not_mapped(at);
  return *mapping->phys;
}

Result<std::vector<PhysRange>> AddressSpace::mapped_ranges(VirtAddr at, std::uint64_t size) const {
  std::vector<PhysRange> ranges;
  const VirtAddr start = at;
  for (std::size_t pieces = 0; size > 0; ++pieces) {
    if (pieces == most_pieces) {
      return Error{
          Errc::corrupt, fmt::format("the memory at {:#x} is mapped in too many pieces", start.raw()), {}};
    }
    auto mapping = mapping_at(at);
    if (!mapping) return std::move(mapping).error();
    const std::uint64_t part = std::min(size, mapping->size);
    if (mapping->phys) append_merged(ranges, {*mapping->phys, part});
    at += part;
    size -= part;
  }
  return ranges;
}

Result<std::vector<PhysRange>> AddressSpace::translate_range(VirtAddr at, std::uint64_t size) const {
  auto ranges = mapped_ranges(at, size);
  if (!ranges) return ranges;
  std::uint64_t mapped = 0;
  for (const PhysRange& range : *ranges) mapped += range.size;
  if (mapped != size) return not_mapped(at);
  return ranges;
}

Result<View> AddressSpace::view(VirtAddr at, std::size_t want) const {
  auto mapping = mapping_at(at);
  if (!mapping) return std::move(mapping).error();
  if (!mapping->phys) return not_mapped(at);
  return memory_->view(*mapping->phys,
                       static_cast<std::size_t>(std::min<std::uint64_t>(want, mapping->size)));
}

Result<void> AddressSpace::read(VirtAddr at, std::span<std::byte> out) const {
  while (!out.empty()) {
    auto mapping = mapping_at(at);
    if (!mapping) return std::move(mapping).error();
    if (!mapping->phys) return not_mapped(at);
    const auto part = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), mapping->size)));
    if (auto done = memory_->read(*mapping->phys, part); !done) return done;
    at += part.size();
    out = out.subspan(part.size());
  }
  return {};
}

Result<std::uint64_t> AddressSpace::read_number(VirtAddr at, std::size_t size, ByteOrder order) const {
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  const auto number = std::span(bytes).first(size);
  if (auto done = read(at, number); !done) return std::move(done).error();
  return load_unsigned(number, order);
}

Result<std::string> AddressSpace::read_text(VirtAddr at, std::size_t limit) const {
  // Word by word: what lies behind the text is somebody else's, and an extract takes what is read.
  constexpr std::size_t word = 8;
  std::string text;
  while (text.size() < limit) {
    const VirtAddr next = at + text.size();
    const std::size_t to_word_end = word - static_cast<std::size_t>(next.raw() % word);
    auto part = view(next, std::min(to_word_end, limit - text.size()));
    if (!part) return std::move(part).error();
    for (const std::byte b : part->bytes) {
      const char c = static_cast<char>(b);
      if (c == '\0') return text;
      if (c < ' ' || c > '~')
        return Error{Errc::corrupt, fmt::format("the text at {:#x} is not printable", at.raw()), {}};
      text += c;
    }
  }
  return Error{
      Errc::corrupt, fmt::format("the text at {:#x} does not end within {} bytes", at.raw(), limit), {}};
}

}  // namespace memsect
