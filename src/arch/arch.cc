#include "arch/arch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace memsect {
namespace {

constexpr std::array<const ArchDriver*, 8> drivers{&x86_64,  &arm64,       &ppc64, &s390x,
                                                   &riscv64, &loongarch64, &i386,  &arm};

/// QEMU writes "S390X" where the kernel says "s390x".
bool same_name(std::string_view ours, std::string_view theirs) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return !ours.empty() && std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                                     [lower](char a, char b) { return a == lower(b); });
}

}  // namespace

std::span<const ArchDriver* const> arch_drivers() { return drivers; }

const ArchDriver* find_arch(const Vmcoreinfo& info) {
  for (const ArchDriver* driver : arch_drivers()) {
    if (!driver->vmcoreinfo_mark.empty() && info.value(driver->vmcoreinfo_mark)) return driver;
  }
  return nullptr;
}

const ArchDriver* find_arch(std::string_view name) {
  for (const ArchDriver* driver : arch_drivers()) {
    if (same_name(driver->name, name) || same_name(driver->other_name, name)) return driver;
  }
  return nullptr;
}

const ArchDriver* find_arch(std::uint16_t elf_machine) {
  for (const ArchDriver* driver : arch_drivers()) {
    if (driver->elf_machine == elf_machine) return driver;
  }
  return nullptr;
}

Result<unsigned> find_page_shift(const ArchDriver& driver, const Vmcoreinfo& info) {
  const auto size = info.page_size();
  if (!size) return driver.page_shift;
  if (std::has_single_bit(*size) && (driver.page_sizes & *size) != 0)
    return static_cast<unsigned>(std::countr_zero(*size));
  return Error{Errc::corrupt,
               fmt::format("the page size is {} (PAGESIZE in VMCOREINFO), which no kernel of {} has", *size,
                           driver.name),
               {}};
}

std::optional<VirtAddr> find_symbol(const ArchInputs& inputs, std::string_view name) {
  if (const auto told = inputs.vmcoreinfo.symbol(name)) return told;
  return inputs.symbol ? inputs.symbol(name) : std::nullopt;
}

Result<VirtAddr> find_swapper_pg_dir(const ArchInputs& inputs) {
  if (const auto root = find_symbol(inputs, "swapper_pg_dir")) return *root;
  return Error{Errc::no_symbol, "the top-level page table cannot be located: no symbol swapper_pg_dir",
               "Name a vmlinux or a System.map of this kernel"};
}

std::vector<VirtRange> named_vmalloc_ranges(const Vmcoreinfo& info) {
  std::vector<VirtRange> ranges;
  for (const auto& [first, last] :
       {std::pair{"VMALLOC_START", "VMALLOC_END"}, {"MODULES_VADDR", "MODULES_END"}}) {
    const auto start = info.number(first), end = info.number(last);
    if (!start || !end) continue;
    const VirtAddr from(static_cast<std::uint64_t>(*start)), to(static_cast<std::uint64_t>(*end));
    if (from < to) ranges.push_back({from, to - from});
  }
  return ranges;
}

Result<std::uint64_t> read_number(const PhysicalMemory& memory, PhysAddr at, std::size_t size,
                                  ByteOrder order) {
  std::array<std::byte, 8> bytes{};
  const auto wanted = std::span(bytes).first(size);
  if (auto done = memory.read(at, wanted); !done) return std::move(done).error();
  return load_unsigned(wanted, order);
}

}  // namespace memsect
