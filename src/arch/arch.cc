#include "arch/arch.h"

#include <array>

namespace memsect {

std::span<const ArchDriver* const> arch_drivers() {
  static constexpr std::array<const ArchDriver*, 1> drivers{&x86_64};
  return drivers;
}

const ArchDriver* find_arch(const Vmcoreinfo& info) {
  for (const ArchDriver* driver : arch_drivers()) {
    if (!driver->vmcoreinfo_mark.empty() && info.value(driver->vmcoreinfo_mark)) return driver;
  }
  return nullptr;
}

const ArchDriver* find_arch(std::string_view name) {
  for (const ArchDriver* driver : arch_drivers()) {
    if (driver->name == name) return driver;
  }
  return nullptr;
}

const ArchDriver* find_arch(std::uint16_t elf_machine) {
  for (const ArchDriver* driver : arch_drivers()) {
    if (driver->elf_machine == elf_machine) return driver;
  }
  return nullptr;
}

}  // namespace memsect
