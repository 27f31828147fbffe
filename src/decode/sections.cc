// From the symbol mem_section to the present sections.
//
//   EXTREME 4.15+   struct mem_section **mem_section   pointer -> root table -> root -> struct mem_section
//   EXTREME <= 4.14 struct mem_section *mem_section[NR_SECTION_ROOTS]: the symbol itself is the root table
//   STATIC          struct mem_section mem_section[NR_SECTION_ROOTS][1]: the symbol itself is the only root
//
// VMCOREINFO's SYMBOL(mem_section) is the *value* of the expression: the root table's address already. The symbol
// table's is the pointer's. 4.15-rc and some 4.14.y printed the pointer's address in VMCOREINFO as well
// (Linux a0b1280368d1): so each reading is tried, and the first one that yields a valid section is right.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "decode/section_flags.h"
#include "decode/steps.h"
#include "kernel/kernel.h"

namespace memsect {
namespace {

/// 128 TiB of 128 MiB sections. Damage must not make us list more.
constexpr std::size_t most_sections = 1 << 20;

/// What is needed to read sections, bound once.
struct SectionReader {
  AddressSpace space;
  ByteOrder order;
  MemoryGeometry geometry;
  Field section_mem_map;
  SectionFlagBits bits;
};

Result<SectionReader> make_reader(const Kernel& kernel, const MemoryModel& model) {
  SectionReader reader{kernel.space(),
                       kernel.order(),
                       model.geometry,
                       {},
                       find_section_flag_bits(kernel.types(), model.geometry)};
  if (auto layout = kernel.types().find_struct("mem_section")) {
    auto field = layout->field("section_mem_map");
    if (!field) return std::move(field).error();
    reader.section_mem_map = *field;
  } else {
    reader.section_mem_map = Field(kernel.vmcoreinfo().offset("mem_section.section_mem_map").value_or(0),
                                   model.geometry.word_size, kernel.order());
  }
  if (reader.section_mem_map.end() > model.geometry.mem_section_size) {
    return Error{Errc::corrupt, "section_mem_map lies outside of struct mem_section", {}};
  }
  return reader;
}

/// The entries of one root that are present, appended to `sections`. False: there are some beyond what MAX_PHYSMEM_BITS
/// allows, and these are left out.
bool decode_root(const SectionReader& reader, std::uint64_t first_nr, VirtAddr root, Bytes bytes,
                 std::vector<Section>& sections) {
  const std::uint64_t entry_size = reader.geometry.mem_section_size;
  for (std::uint64_t i = 0; i < bytes.size() / entry_size; ++i) {
    const Bytes entry = bytes.subspan(i * entry_size, entry_size);
    Section section;
    section.section_mem_map = reader.section_mem_map.get(entry);
    section.flags = reader.bits.decode(section.section_mem_map);
    if (!section.flags.present) continue;
    section.nr = SectionNr(first_nr + i);
    if (section.nr.raw() >= reader.geometry.nr_mem_sections()) return false;
    section.mem_section = root + i * entry_size;
    section.coded_mem_map = section.section_mem_map & reader.bits.map_mask;
    section.stray_bits = section.section_mem_map & reader.bits.unused;
    // Encoding: address of the memmap minus first pfn x sizeof(struct page), modulo the size
    // of a word (sparse_encode_mem_map).
    const Pfn first = reader.geometry.section_nr_to_pfn(section.nr);
    section.mem_map =
        reader.geometry.wrapped(section.coded_mem_map + first.raw() * reader.geometry.struct_page_size);
    sections.push_back(std::move(section));
  }
  return true;
}

/// What one reading of `mem_section` yields.
struct Reading {
  VirtAddr root_table;
  std::vector<SectionRoot> roots;
  std::vector<Section> sections;
  std::vector<std::uint64_t> unread_roots;  ///< roots whose page is not to be had
  std::uint64_t unread_table_bytes = 0;     ///< of the root table
  std::optional<Error> first_failure;
  bool beyond_physmem = false;  ///< a section lies beyond MAX_PHYSMEM_BITS
  bool plausible = false;       ///< at least one section has a memmap that is mapped
};

void read_root(const SectionReader& reader, std::uint64_t index, VirtAddr root, Reading& reading) {
  const MemoryGeometry& geometry = reader.geometry;
  if (reading.sections.size() >= most_sections) {
    reading.unread_roots.push_back(index);
    if (!reading.first_failure)
      reading.first_failure = Error{Errc::corrupt, "there are more sections than any machine has", {}};
    return;
  }
  const std::uint64_t bytes = geometry.sections_per_root * geometry.mem_section_size;
  std::vector<std::byte> content(bytes);
  if (auto done = reader.space.read(root, content); !done) {
    reading.unread_roots.push_back(index);
    if (!reading.first_failure) reading.first_failure = done.error();
    return;
  }
  if (!decode_root(reader, index * geometry.sections_per_root, root, content, reading.sections)) {
    reading.beyond_physmem = true;
  }
  SectionRoot known{index, {root, bytes, {}, Allocation::unknown}};
  if (auto phys = reader.space.translate_range(root, bytes)) known.placement.phys = *phys;
  reading.roots.push_back(std::move(known));
}

/// Reads the root table in pieces that the memory holds; a piece that is missing costs only its own roots.
Reading read_root_table(const SectionReader& reader, VirtAddr table, std::uint64_t nr_roots) {
  Reading reading;
  reading.root_table = table;
  constexpr std::uint64_t piece = 4096;
  const std::uint64_t pointer_size = reader.geometry.word_size;
  const std::uint64_t bytes = nr_roots * pointer_size;
  std::vector<std::byte> content;
  for (std::uint64_t done = 0; done < bytes;) {
    // pieces end at page boundaries: the table need not begin at one
    const std::uint64_t want = std::min(bytes - done, piece - (table + done).raw() % piece);
    content.resize(want);
    if (auto read = reader.space.read(table + done, content); !read) {
      reading.unread_table_bytes += want;
      if (!reading.first_failure) reading.first_failure = read.error();
    } else {
      for (std::uint64_t i = 0; i + pointer_size <= want; i += pointer_size) {
        const std::uint64_t root = load_unsigned(Bytes(content).subspan(i, pointer_size), reader.order);
        if (root != 0) read_root(reader, (done + i) / pointer_size, VirtAddr(root), reading);
      }
    }
    done += want;
  }
  return reading;
}

Reading read_static_table(const SectionReader& reader, VirtAddr table) {
  Reading reading;
  reading.root_table = table;
  constexpr std::uint64_t piece_sections = 64;
  const std::uint64_t entry_size = reader.geometry.mem_section_size;
  for (std::uint64_t nr = 0; nr < reader.geometry.nr_section_roots; nr += piece_sections) {
    const VirtAddr at = table + nr * entry_size;
    std::vector<std::byte> content(std::min(piece_sections, reader.geometry.nr_section_roots - nr) *
                                   entry_size);
    if (auto done = reader.space.read(at, content); !done) {
      reading.unread_table_bytes += content.size();
      if (!reading.first_failure) reading.first_failure = done.error();
      continue;
    }
    if (!decode_root(reader, nr, at, content, reading.sections)) reading.beyond_physmem = true;
  }
  return reading;
}

/// A reading is believed when a section with a memmap has it mapped; or, where the page tables that would
/// tell are lost, when all of them decode to one vmemmap base.
void judge(const SectionReader& reader, Reading& reading) {
  bool tables_lost = false;
  bool one_base = true;
  const Section* first = nullptr;
  for (const Section& section : reading.sections) {
    if (!section.flags.has_mem_map) continue;
    if (first == nullptr) first = &section;
    one_base = one_base && section.coded_mem_map == first->coded_mem_map;
    const auto mapping = reader.space.mapping_at(section.mem_map);
    if (mapping && mapping->phys) {
      reading.plausible = true;
      return;
    }
    tables_lost = tables_lost || !mapping;
  }
  const bool vmemmap = reader.geometry.kind == MemoryModelKind::sparsemem_vmemmap;
  reading.plausible = first != nullptr && tables_lost && vmemmap && one_base && first->coded_mem_map != 0;
}

/// The addresses at which the root table may lie, the likeliest first.
std::vector<VirtAddr> root_table_candidates(const Kernel& kernel, const SectionReader& reader) {
  std::vector<VirtAddr> candidates;
  const auto pointer_at = [&](VirtAddr at) {
    const auto value = reader.space.read_number(at, reader.geometry.word_size, reader.order);
    if (value) candidates.push_back(VirtAddr(*value));
  };
  if (const auto value = kernel.vmcoreinfo().symbol("mem_section")) {
    candidates.push_back(*value);
    pointer_at(*value);
  }
  if (const auto symbol = kernel.address_of("mem_section")) {
    pointer_at(*symbol);
    candidates.push_back(*symbol);
  }
  return candidates;
}

/// How many roots need to be read: up to the highest present section where the kernel says it (4.13+).
std::uint64_t roots_in_use(const Kernel& kernel, const SectionReader& reader) {
  const std::uint64_t all = reader.geometry.nr_section_roots;
  const auto at = kernel.address_of("__highest_present_section_nr");
  if (!at) return all;
  const auto highest = reader.space.read_number(*at, reader.geometry.word_size, reader.order);
  if (!highest) return all;
  return std::min(
      all,
      *highest / reader.geometry.sections_per_root + 1);  // the value may be stale-high, never low
}

void note_missing(const Reading& reading, MemoryModel& model) {
  const Error beyond{Errc::corrupt, "sections beyond MAX_PHYSMEM_BITS", {}};
  const Error& failure = reading.first_failure ? *reading.first_failure : beyond;
  if (reading.beyond_physmem) {
    model.miss_keepers(beyond);
    model.notes.warn(
        fmt::format("there are sections beyond MAX_PHYSMEM_BITS {}: left out; VMCOREINFO may be damaged",
                    model.geometry.max_physmem_bits));
  }
  if (!reading.unread_roots.empty()) {
    model.miss_keepers(failure);
    model.notes.warn(fmt::format("section roots {} cannot be read ({}): their sections are missing here",
                                 ranges(reading.unread_roots), failure.message));
  }
  if (reading.unread_table_bytes != 0) {
    model.miss_keepers(failure);
    model.notes.warn(
        fmt::format("{} bytes of the root table at {:#x} cannot be read ({}): sections may be missing here",
                    reading.unread_table_bytes, reading.root_table.raw(), failure.message));
  }
}

/// Before 4.13 there was no online bit: a running kernel without a single online section is such a one. There a section
/// with a memmap may be online; which memory blocks are not is known later (load_model.cc).
void apply_old_online_rule(const Kernel& kernel, MemoryModel& model) {
  const auto layout = kernel.types().find_struct("mem_section");
  const bool has_flag = (layout && layout->has("usage")) ||  // 5.3+
                        kernel.types().find_enumerator("", "SECTION_IS_ONLINE_BIT");
  if (has_flag || model.incomplete) return;
  for (const Section& section : model.sections) {
    if (section.flags.online) return;
  }
  model.marks_online = model.sections.empty();
  for (Section& section : model.sections) section.flags.online = section.flags.has_mem_map;
}

/// With VMEMMAP the coded map of every valid section is one and the same: the vmemmap base.
void find_vmemmap(MemoryModel& model) {
  if (model.geometry.kind != MemoryModelKind::sparsemem_vmemmap) return;
  for (const Section& section : model.sections) {
    if (!section.flags.has_mem_map) continue;
    if (!model.vmemmap) model.vmemmap = VirtAddr(section.coded_mem_map);
    if (model.vmemmap->raw() != section.coded_mem_map) {
      model.notes.warn(fmt::format(
          "section {} decodes to another vmemmap base than the sections before it: {:#x}, not {:#x}",
          section.nr.raw(), section.coded_mem_map, model.vmemmap->raw()));
    }
  }
}

}  // namespace

Result<void> load_sections(const Kernel& kernel, MemoryModel& model) {
  auto reader = make_reader(kernel, model);
  if (!reader) return std::move(reader).error();
  const bool is_static = model.geometry.kind == MemoryModelKind::sparsemem_static;
  const std::uint64_t nr_roots = roots_in_use(kernel, *reader);

  std::string why;  // of the likeliest candidate
  for (const VirtAddr candidate : root_table_candidates(kernel, *reader)) {
    Reading reading =
        is_static ? read_static_table(*reader, candidate) : read_root_table(*reader, candidate, nr_roots);
    judge(*reader, reading);
    if (!reading.plausible) {
      if (!why.empty()) continue;
      why = reading.first_failure ? reading.first_failure->message
                                  : "mem_section leads to no section with a memmap";
      continue;
    }
    note_missing(reading, model);
    model.root_table_address = candidate;
    model.roots = std::move(reading.roots);
    model.sections = std::move(reading.sections);
    std::sort(model.sections.begin(), model.sections.end(),
              [](const Section& a, const Section& b) { return a.nr < b.nr; });
    apply_old_online_rule(kernel, model);
    find_vmemmap(model);
    const std::uint64_t bytes = model.geometry.nr_section_roots *
                                (is_static ? model.geometry.mem_section_size : model.geometry.word_size);
    if (auto phys = reader->space.translate_range(candidate, bytes)) {
      model.root_table = Placement{candidate, bytes, std::move(*phys), Allocation::unknown};
    } else {
      model.root_table = std::move(phys).error();
    }
    return {};
  }
  if (why.empty()) why = "mem_section is in neither VMCOREINFO nor the symbols";
  return Error{Errc::not_in_dump, "the section roots cannot be read: " + why,
               "a dump that was cut off or filtered too hard holds no memory model; take it again"};
}

}  // namespace memsect
