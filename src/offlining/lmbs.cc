// lmb_is_removable() of arch/powerpc/platforms/pseries/hotplug-memory.c asks before anything is taken offline:
//
//   drmem_lmb.flags      assigned, not reserved
//   is_fadump_memory_area()     with a firmware-assisted dump registered, neither below fw_dump.boot_mem_top nor in the
//                               area that is reserved for it
//
// drmem_info came with Linux 6c6ea53725b3 ("powerpc/mm: Separate ibm, dynamic-memory data from DT format") (v4.16).
#include "offlining/lmbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::uint64_t flag_assigned = 0x8, flag_reserved = 0x80;  // DRCONF_MEM_*
/// 64 TiB in LMBs of 16 MiB.
constexpr std::uint64_t most_lmbs = std::uint64_t{1} << 22;

/// What a registered firmware-assisted dump keeps.
struct FadumpArea {
  PhysAddr boot_end;  ///< the last byte of boot memory, and no further
  PhysRange reserved;

  bool needs(PhysRange lmb) const {
    const bool in_reserved = lmb.end() > reserved.start && lmb.start <= reserved.end();
    return in_reserved || lmb.start <= boot_end;
  }
};

/// Nothing where none is registered.
Result<std::optional<FadumpArea>> find_fadump(const Kernel& kernel) {
  const auto at = kernel.address_of("fw_dump");
  if (!at) return std::optional<FadumpArea>();  // without CONFIG_FA_DUMP
  const auto layout = kernel.types().find_struct("fw_dump");
  if (!layout) return layout.error();
  const auto registered = layout->bit_field("dump_registered");
  if (!registered) return registered.error();
  const auto start = layout->field("reserve_dump_area_start"), size = layout->field("reserve_dump_area_size"),
             top = layout->field("boot_mem_top");
  for (const auto* field : {&start, &size, &top}) {
    if (!*field) return field->error();
  }
  std::vector<std::byte> bytes(std::max({registered->end(), start->end(), size->end(), top->end()}));
  if (auto done = kernel.space().read(*at, bytes); !done) return std::move(done).error().within("fw_dump");
  if (registered->get(bytes) == 0) return std::optional<FadumpArea>();
  return std::optional(
      FadumpArea{PhysAddr(top->get(bytes)), {PhysAddr(start->get(bytes)), size->get(bytes)}});
}

/// Where drmem_info has its fields, and those of one struct drmem_lmb.
struct LmbLayout {
  Field lmbs, count, lmb_size;
  Field base, flags;
  std::uint64_t size = 0;
};

Result<LmbLayout> find_layout(const TypeSource& types) {
  const auto info = types.find_struct("drmem_lmb_info");
  if (!info) return info.error();
  const auto lmb = types.find_struct("drmem_lmb");
  if (!lmb) return lmb.error();
  const auto lmbs = info->field("lmbs"), count = info->field("n_lmbs"), lmb_size = info->field("lmb_size");
  const auto base = lmb->field("base_addr"), flags = lmb->field("flags");
  for (const auto* field : {&lmbs, &count, &lmb_size, &base, &flags}) {
    if (!*field) return field->error();
  }
  return LmbLayout{*lmbs, *count, *lmb_size, *base, *flags, lmb->size};
}

}  // namespace

Result<std::vector<Lmb>> load_lmbs(const Kernel& kernel) {
  const auto pointer = kernel.address_of("drmem_info");
  if (!pointer) return Error{Errc::not_applicable, "this machine has no logical memory blocks", {}};
  const auto layout = find_layout(kernel.types());
  if (!layout) return layout.error();
  const AddressSpace space = kernel.space();
  const auto at = space.read_number(*pointer, kernel.arch().word_size, kernel.order());
  if (!at) return Error(at.error()).within("drmem_info");
  std::vector<std::byte> info(std::max({layout->lmbs.end(), layout->count.end(), layout->lmb_size.end()}));
  if (auto done = space.read(VirtAddr(*at), info); !done) return std::move(done).error().within("drmem_info");
  const std::uint64_t count = layout->count.get(info), lmb_size = layout->lmb_size.get(info);
  if (count == 0) return Error{Errc::not_applicable, "this machine has no logical memory blocks", {}};
  if (count > most_lmbs || lmb_size == 0)
    return Error{Errc::corrupt, fmt::format("drmem_info has {} LMBs of {} bytes", count, lmb_size), {}};
  const auto fadump = find_fadump(kernel);
  if (!fadump) return fadump.error();
  std::vector<Lmb> lmbs;
  std::vector<std::byte> bytes(std::max(layout->base.end(), layout->flags.end()));
  for (std::uint64_t i = 0; i < count; ++i) {
    const VirtAddr entry(layout->lmbs.get(info) + i * layout->size);
    if (auto done = space.read(entry, bytes); !done)
      return std::move(done).error().within("struct drmem_lmb");
    Lmb lmb;
    lmb.range = {PhysAddr(layout->base.get(bytes)), lmb_size};
    lmb.assigned = (layout->flags.get(bytes) & flag_assigned) != 0;
    lmb.reserved = (layout->flags.get(bytes) & flag_reserved) != 0;
    if (lmb.range.end() < lmb.range.start)
      return Error{Errc::corrupt, fmt::format("an LMB at {:#x}", lmb.range.start.raw()), {}};
    lmb.of_fadump = *fadump && (*fadump)->needs(lmb.range);
    lmbs.push_back(lmb);
  }
  std::sort(lmbs.begin(), lmbs.end(),
            [](const Lmb& a, const Lmb& b) { return a.range.start < b.range.start; });
  return lmbs;
}

}  // namespace memsect
