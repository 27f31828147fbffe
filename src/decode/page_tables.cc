// The page tables that the vmemmap and the direct map are translated by. They lie wherever memblock or the page allocator
// had room, and a section that holds one cannot go while what the table maps is there:
//
//     PGD (kernel image)
//      |            vmemmap of 32 TiB of memory    vmemmap of 64 GiB        vmemmap of one section, where it is split
//      +-> PUD table ------------------> PMD table ------------------> PTE table           (x86-64, pages of 4 KiB)
//      |            direct map of 512 GiB         direct map of 1 GiB      direct map of 2 MiB
//      +-> PUD table ------------------> PMD table ------------------> PTE table
//
// Tables of the last level are known from the entries that name them and are not read: with a direct map of base pages
// (arm64, rodata=full) they are 2 MiB for each GiB of memory. Tables that lie beside each other and translate for
// neighbouring sections are one run; a section may need thousands.
//
// Freed when empty: remove_pagetable() (x86, powerpc), free_empty_tables() (arm64 5.7+), modify_pagetable() (s390),
// remove_p4d_mapping() (riscv). Kept: see ArchDriver::kept_tables.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

/// Eight million scattered tables are those of 16 TiB in base pages; no allocator scatters them all.
constexpr std::size_t most_runs = 1 << 20;

/// Sections with consecutive numbers, all present.
struct Stretch {
  SectionNr first, last;
};

std::vector<Stretch> stretches_of(const MemoryModel& model, bool with_memmap) {
  std::vector<Stretch> stretches;
  for (const Section& section : model.sections) {
    if (with_memmap && !section.flags.has_mem_map) continue;
    if (!stretches.empty() && section.nr - stretches.back().last == 1) {
      stretches.back().last = section.nr;
    } else {
      stretches.push_back({section.nr, section.nr});
    }
  }
  return stretches;
}

/// Gathers tables into runs, and what could not be read.
class RunMaker {
 public:
  RunMaker(const Kernel& kernel, const MemoryModel& model, const PageReader& pages)
      : model_(model), pages_(pages), kept_(kernel.arch().kept_tables) {}

  void add(TableRun::Maps maps, const PageTable& table, SectionNr first, SectionNr last) {
    Tail& tail = tail_of(maps, table.depth);
    if (tail.run < runs_.size() &&
        tail.table == table.phys) {  // seen before, for the stretch of sections before
      runs_[tail.run].last = std::max(runs_[tail.run].last, last);
      return;
    }
    const Allocation allocation = pages_.allocation_at(model_, table.phys, Allocation::buddy);
    if (!joins(tail, table, first, allocation)) {
      if (runs_.size() >= most_runs) return miss({}, Error{Errc::corrupt, "there are too many of them", {}});
      tail.run = runs_.size();
      runs_.push_back(
          {maps, table.depth, {table.phys, table.bytes}, {}, first, last, allocation, table.depth <= kept_});
    }
    runs_[tail.run].last = std::max(runs_[tail.run].last, last);
    tail.table = table.phys;
  }
  void miss(VirtAddr at, const Error& why) {
    if (missed_++ != 0) return;
    first_miss_ = why;
    if (why.message.empty()) first_miss_.message = fmt::format("{:#x}", at.raw());
  }
  std::vector<TableRun> take(MemoryModel& model, std::optional<VirtAddr> direct_map) {
    for (TableRun& run : runs_) {
      if (direct_map) run.address = *direct_map + run.phys.start.raw();
    }
    if (missed_ > 0) {
      model.miss_keepers(first_miss_);
      model.notes.warn(
          fmt::format("{} places of the page tables cannot be read ({}): tables of the vmemmap or the direct "
                      "map are missing",
                      missed_, first_miss_.message));
    }
    return std::move(runs_);
  }

 private:
  struct Tail {
    std::size_t run = ~std::size_t{0};
    PhysAddr table;  ///< the last one of the run
  };

  Tail& tail_of(TableRun::Maps maps, unsigned depth) {
    std::vector<Tail>& tails = tails_[maps == TableRun::Maps::vmemmap ? 0 : 1];
    if (tails.size() <= depth) tails.resize(depth + 1);
    return tails[depth];
  }

  /// Takes the table into the run where it lies before or behind it.
  bool joins(const Tail& tail, const PageTable& table, SectionNr first, Allocation allocation) {
    if (tail.run >= runs_.size()) return false;
    TableRun& run = runs_[tail.run];
    const MemoryGeometry& geometry = model_.geometry;
    const bool beside = table.phys == run.phys.end() || table.phys + table.bytes == run.phys.start;
    if (!beside || run.allocation != allocation || first > run.last + 1) return false;
    if (geometry.phys_to_section_nr(table.phys) != geometry.phys_to_section_nr(run.phys.start)) return false;
    run.phys.start = std::min(run.phys.start, table.phys);
    run.phys.size += table.bytes;
    return true;
  }

  const MemoryModel& model_;
  const PageReader& pages_;
  unsigned kept_;
  std::vector<TableRun> runs_;
  std::array<std::vector<Tail>, 2> tails_;  ///< by what they map, then by depth
  std::uint64_t missed_ = 0;
  Error first_miss_;
};

/// Where the addresses begin that belong to section 0, and how many each section has.
struct Place {
  TableRun::Maps maps = TableRun::Maps::vmemmap;
  VirtAddr base;
  std::uint64_t per_section = 0;
};

/// Visits the tables of some sections; whether there can be any.
bool visit(const Kernel& kernel, const Place& place, const Stretch& stretch, RunMaker& runs) {
  const VirtAddr start = place.base + stretch.first.raw() * place.per_section;
  const std::uint64_t size = (stretch.last - stretch.first + 1) * place.per_section;
  const auto section_of = [&](VirtAddr at) { return SectionNr((at - place.base) / place.per_section); };
  const TableListener listener{
      [&](const PageTable& table) {
        const VirtAddr last = std::min(table.start + (table.size - 1), start + (size - 1));
        runs.add(place.maps, table, section_of(std::max(table.start, start)), section_of(last));
      },
      [&](VirtAddr at, const Error& why) { runs.miss(at, why); }};
  const auto done = kernel.arch_memory().translator->visit_tables(start, size, listener);
  return done || done.error().code != Errc::not_applicable;
}

}  // namespace

void load_page_tables(const Kernel& kernel, MemoryModel& model, const PageReader& pages) {
  const MemoryGeometry& geometry = model.geometry;
  std::vector<Place> places;
  if (geometry.kind == MemoryModelKind::sparsemem_vmemmap && model.vmemmap) {
    places.push_back(
        {TableRun::Maps::vmemmap, *model.vmemmap, geometry.pages_per_section() * geometry.struct_page_size});
  }
  if (const auto direct_map = kernel.arch_memory().page_offset)
    places.push_back({TableRun::Maps::direct_map, *direct_map, geometry.section_size()});
  RunMaker runs(kernel, model, pages);
  bool any = false;
  for (const Place& place : places) {
    for (const Stretch& stretch : stretches_of(model, place.maps == TableRun::Maps::vmemmap)) {
      if (!visit(kernel, place, stretch, runs)) break;
      any = true;
    }
  }
  if (!any) {
    model.page_tables = Error{Errc::not_applicable, "no page tables of this machine lead to its memory", {}};
    return;
  }
  model.page_tables = runs.take(model, kernel.arch_memory().page_offset);
}

}  // namespace memsect
