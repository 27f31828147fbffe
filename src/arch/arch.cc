#include "arch/arch.h"

#include <array>

namespace memsect {

std::span<const ArchDriver* const> arch_drivers() {
  static constexpr std::array<const ArchDriver*, 1> drivers{&x86_64};
  return drivers;
}

const ArchDriver* find_arch(std::uint16_t elf_machine) {
  for (const ArchDriver* driver : arch_drivers()) {
    if (driver->elf_machine == elf_machine) return driver;
  }
  return nullptr;
}

}  // namespace memsect
