// Kernel memory that should hold kallsyms tables: the file is the memory from one address on, its first bytes say how
// the tables are meant to lie in it. Opened where the bytes say, then searched for.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "support/shifted_memory.h"
#include "symbols/find_kallsyms.h"
#include "symbols/kallsyms.h"

namespace {

using memsect::VirtAddr;
constexpr VirtAddr text(0xffffffff81000000);

void use(const memsect::Kallsyms& kallsyms) {
  for (const char* name : {"_stext", "mem_section", "twice", ""}) static_cast<void>(kallsyms.find(name));
  const std::uint32_t step = std::max(kallsyms.size() / 64, 1U);
  for (std::uint32_t i = 0; i < kallsyms.size(); i += step) {
    const auto symbol = kallsyms.symbol(i);
    if (symbol) static_cast<void>(kallsyms.address_of(symbol->name));
  }
  static_cast<void>(kallsyms.has_data_symbols());
  static_cast<void>(kallsyms.tables());
}

}  // namespace

// The head: 5 offsets of 4 bytes (num_syms, names, token_table, token_index, addresses), flags.
// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t offset_count = 5, head_size = offset_count * 4 + 1;
  const memsect::Bytes bytes = std::as_bytes(std::span(data, size));
  if (size < head_size) return 0;
  std::array<VirtAddr, offset_count> tables;
  for (std::size_t i = 0; i < offset_count; ++i)
    tables[i] = text + memsect::load_unsigned(bytes.subspan(i * 4, 4), memsect::ByteOrder::little);
  const unsigned flags = data[offset_count * 4];
  using Form = memsect::KallsymsAddresses::Form;
  const Form form = (flags & 3U) == 0 ? Form::absolute : (flags & 3U) == 1 ? Form::place : Form::base;
  memsect::KallsymsKernel kernel;
  kernel.stext = text;
  if ((flags & 4U) != 0) kernel.order = memsect::ByteOrder::big;
  if ((flags & 8U) != 0) kernel.word_size = 4;
  memsect::test::ShiftedMemory memory(text);
  memory.write(text, bytes.subspan(head_size));

  memsect::KallsymsPlace place{tables[0], tables[1], tables[2], tables[3], {}};
  // Behind the offsets at the next multiple of 8 is where the seeds have the base.
  std::uint64_t count = 0;
  std::array<std::byte, 4> stored{};
  if (memory.space().read(place.num_syms, stored)) count = memsect::load_unsigned(stored, kernel.order);
  place.addresses.push_back({form, tables[4], tables[4] + (count * 4 + 7) / 8 * 8});
  if (const auto kallsyms = memsect::open_kallsyms(memory.space(), place, kernel)) use(**kallsyms);
  const auto found = memsect::find_kallsyms(memory.space(), {text, size + 0x10000}, kernel);
  if (!found) return 0;
  if (const auto kallsyms = memsect::open_kallsyms(memory.space(), *found, kernel)) use(**kallsyms);
  return 0;
}
