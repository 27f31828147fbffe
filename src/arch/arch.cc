#include "arch/arch.h"

#include <fmt/format.h>

#include <array>
#include <bit>

namespace memsect {

std::span<const ArchDriver* const> arch_drivers() {
  static constexpr std::array drivers{&x86_64, &arm64};
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
    if (driver->name == name || (!name.empty() && driver->other_name == name)) return driver;
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

}  // namespace memsect
