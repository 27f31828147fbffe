#include "kernel/kernel_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernel/image_search.h"
#include "memory/address_space.h"

namespace memsect {
namespace {

constexpr std::uint32_t nt_prstatus = 1;
constexpr std::size_t stack_bytes = 2048;
constexpr std::size_t enough_returns = 3;
/// Of code; the largest kernels have some 30 MiB.
constexpr std::uint64_t most_code = std::uint64_t{32} << 20;

/// NT_PRSTATUS: struct elf_prstatus has its registers at 112 with 64-bit words, at 72 with 32-bit ones.
std::optional<VirtAddr> stack_pointer(const CpuNote& note, const ArchDriver& arch, ByteOrder order) {
  if (note.name != "CORE" || note.type != nt_prstatus || arch.prstatus.pc == arch.prstatus.sp)
    return std::nullopt;
  const std::size_t at = (arch.word_size == 8 ? 112 : 72) + std::size_t{arch.prstatus.sp} * arch.word_size;
  if (at + arch.word_size > note.bytes.size()) return std::nullopt;
  return VirtAddr(load_unsigned(Bytes(note.bytes).subspan(at, arch.word_size), order));
}

ArchInputs inputs_of(const Dump& dump, const Vmcoreinfo& info, const ArchDriver& arch) {
  return {*dump.memory, info, [&info](std::string_view name) { return info.symbol(name); },
          arch.order.value_or(dump.info.order)};
}

/// Looks as `arch` has its memory.
KernelLook look_as(const Dump& dump, const Vmcoreinfo& info, const ArchDriver& arch) {
  KernelLook look;
  look.arch = &arch;
  const auto image = arch.open(inputs_of(dump, info, arch));
  const auto uts = info.symbol("init_uts_ns");
  if (!image || !uts) return look;
  const AddressSpace space(*dump.memory, *image->translator);
  std::string bytes(uts_namespace_size, '\0');
  look.readable = space.read(*uts, std::as_writable_bytes(std::span(bytes))).has_value();
  const auto name = look.readable ? find_utsname(bytes, info.release()) : std::nullopt;
  look.named = name.has_value();
  look.machine_proven = name && is_machine(arch, name->machine);
  if (!look.named) return look;
  const auto text = info.symbol("_stext");
  if (text) {
    const auto place = image->translator->mapping_at(*text);
    const auto by_tables = image->translator->table_mapping_at(*text);
    look.has_roots = place && by_tables && place->phys && place->phys == by_tables->phys;
  }
  const auto roots = info.symbol("mem_section");
  if (look.has_roots && roots) look.has_roots = space.view(*roots, arch.word_size).has_value();
  return look;
}

/// `look_as`, and where VMCOREINFO lacks phys_base, by what memory proves of it.
KernelLook look_closer(const Dump& dump, const Vmcoreinfo& info, const ArchDriver& arch) {
  if (arch.elf_machine != x86_64.elf_machine || info.number("phys_base")) return look_as(dump, info, arch);
  const auto base = find_phys_base(*dump.memory, info, dump.phys_bases);
  if (!base) return look_as(dump, info, arch);
  const std::string line = fmt::format("NUMBER(phys_base)={}\n", static_cast<std::int64_t>(*base));
  const auto whole = Vmcoreinfo::parse(info.text() + line);
  if (!whole) return {};
  KernelLook look = look_as(dump, *whole, arch);
  look.added = line;
  return look;
}

/// How many words of the stack at `sp` are addresses in the kernel's code.
std::size_t count_returns(const AddressSpace& space, VirtAddr sp, VirtAddr text, const ArchDriver& arch,
                          ByteOrder order) {
  std::vector<std::byte> stack(stack_bytes);
  if (!space.read(sp, stack)) return 0;
  std::size_t found = 0;
  for (std::size_t at = 0; at + arch.word_size <= stack.size(); at += arch.word_size) {
    const VirtAddr word(load_unsigned(Bytes(stack).subspan(at, arch.word_size), order));
    if (word >= text && word - text < most_code) ++found;
  }
  return found;
}

/// Whether the CPU has `at` where `expected` says; nothing where its tables cannot be read.
std::optional<bool> has_there(const CpuTables& tables, VirtAddr at, PhysAddr expected) {
  const auto now = tables.now->table_mapping_at(at);
  if (now && now->phys) return *now->phys == expected;
  if (tables.in_kernel) {
    const auto in_kernel = tables.in_kernel->table_mapping_at(at);
    if (!in_kernel) return std::nullopt;
    return in_kernel->phys == expected;
  }
  return now ? std::optional(false) : std::nullopt;
}

}  // namespace

std::vector<CpuView> view_cpus(const Dump& dump, const ArchDriver& arch) {
  std::vector<CpuView> cpus;
  if (!dump.cpu_notes) return cpus;
  std::vector<CpuView> by_stack;
  for (const CpuNote& note : dump.cpu_notes()) {
    auto tables =
        arch.cpu_tables != nullptr ? arch.cpu_tables(*dump.memory, note.name, note.bytes) : std::nullopt;
    if (tables) cpus.push_back({std::move(tables), {}});
    const auto sp = stack_pointer(note, arch, dump.info.order);
    if (sp && sp->raw() != 0) by_stack.push_back({std::nullopt, sp});
  }
  return cpus.empty() ? std::move(by_stack) : std::move(cpus);
}

const ArchDriver* told_arch(const DumpInfo& info, const Vmcoreinfo& vmcoreinfo) {
  const ArchDriver* const arch =
      info.elf_machine != 0 ? find_arch(info.elf_machine) : find_arch(info.utsname_machine);
  const auto text = vmcoreinfo.symbol("_stext");
  const bool too_narrow = arch != nullptr && arch->word_size == 4 && text && text->raw() >> 32 != 0;
  return too_narrow ? nullptr : arch;
}

KernelLook look_at_kernel(const Dump& dump, const Vmcoreinfo& info) {
  const ArchDriver* const told = told_arch(dump.info, info);
  const ArchDriver* const marked = find_arch(info);
  KernelLook first;
  for (const ArchDriver* arch : {told, marked}) {
    if (arch == nullptr || arch == first.arch) continue;
    KernelLook look = look_closer(dump, info, *arch);
    if (look.named) return look;
    if (first.arch == nullptr) first = std::move(look);
  }
  // The contents: utsname in memory has to name the machine as well.
  for (const ArchDriver* arch : arch_drivers()) {
    if (first.readable || arch == told || arch == marked) continue;
    KernelLook look = look_closer(dump, info, *arch);
    if (look.machine_proven) return look;
  }
  return first;
}

void ask_cpus(const Dump& dump, const Vmcoreinfo& info, const std::vector<CpuView>& cpus, KernelLook& look) {
  const auto text = info.symbol("_stext");
  if (look.arch == nullptr || !look.named || !text) return;
  const ArchInputs inputs = inputs_of(dump, info, *look.arch);
  const auto image = look.arch->open(inputs);
  const auto place =
      image ? image->translator->mapping_at(*text) : Result<Mapping>(Error{Errc::not_mapped, {}, {}});
  if (!place || !place->phys) return;
  const AddressSpace space(*dump.memory, *image->translator);
  for (const CpuView& cpu : cpus) {
    if (cpu.tables) {
      const auto here = has_there(*cpu.tables, *text, *place->phys);
      if (here) ++(*here ? look.cpus_here : look.cpus_elsewhere);
    } else if (cpu.sp && count_returns(space, *cpu.sp, *text, *look.arch, inputs.order) >= enough_returns) {
      ++look.cpus_here;
    }
  }
}

}  // namespace memsect
