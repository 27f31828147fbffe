#include "memory/crash_header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/byte_reader.h"

namespace memsect {
namespace {

constexpr std::string_view magic = "\177ELF\2";  // ELFCLASS64
constexpr std::size_t type_at = 16, core = 4;
constexpr std::size_t header_size = 64, entry_size = 56;
constexpr std::uint32_t pt_load = 1, pt_note = 4;
/// More than 8,192 CPUs and the ranges of any machine's memory.
constexpr std::uint16_t most_entries = 16384;

}  // namespace

bool CrashHeader::covers(PhysAddr address) const {
  return std::any_of(loads.begin(), loads.end(),
                     [address](const PhysRange& load) { return load.contains(address); });
}

std::optional<CrashHeader> read_crash_header(const PhysicalMemory& memory, PhysAddr at, Bytes head) {
  if (head.size() < type_at + 2 || std::memcmp(head.data(), magic.data(), magic.size()) != 0)
    return std::nullopt;
  const ByteOrder order = head[5] == std::byte{2} ? ByteOrder::big : ByteOrder::little;
  if (load_unsigned(head.subspan(type_at, 2), order) != core) return std::nullopt;
  std::array<std::byte, header_size> bytes{};
  if (!memory.read(at, bytes)) return std::nullopt;
  ByteReader reader(bytes, order);
  reader.seek(32);
  const std::uint64_t entries_at = reader.u64();
  reader.seek(54);
  const std::uint16_t size = reader.u16();
  const std::uint16_t count = reader.u16();
  if (entries_at != header_size || size != entry_size || count == 0 || count > most_entries)
    return std::nullopt;
  std::vector<std::byte> entries(std::size_t{count} * entry_size);
  if (!memory.read(at + header_size, entries)) return std::nullopt;
  CrashHeader header{at, {}, {}};
  ByteReader entry(entries, order);
  for (unsigned i = 0; i < count; ++i) {
    entry.seek(std::size_t{i} * entry_size);
    const std::uint32_t type = entry.u32();
    entry.skip(4 + 8 + 8);  // p_flags, p_offset, p_vaddr
    const PhysAddr phys(entry.u64());
    entry.skip(8);  // p_filesz
    const std::uint64_t memory_size = entry.u64();
    if (type == pt_note) header.notes.push_back(phys);
    if (type == pt_load && memory_size != 0 && phys.raw() + memory_size > phys.raw())
      header.loads.push_back({phys, memory_size});
  }
  if (header.notes.empty() || header.loads.empty()) return std::nullopt;
  return header;
}

}  // namespace memsect
