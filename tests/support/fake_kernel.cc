#include "support/fake_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "decode/usage.h"
#include "elf/elf_image.h"
#include "support/type_fixture.h"
#include "symbols/elf_symtab.h"
#include "types/dwarf.h"

namespace memsect::test {
namespace {

constexpr std::uint64_t image_start = 0xffffffff80000000, page_tables = 0x2000000, xarray_node = 0x25ff000;
constexpr std::uint64_t present = 0x63, large = 0x80;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "fake kernel: {}\n", why);
  std::abort();
}

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message);
  return std::move(*result);
}

}  // namespace

FakeKernel::FakeKernel(const std::string& fixture) : vmlinux_(testing::fixture_path(fixture)) {
  auto file = must(File::open(vmlinux_));
  symbols_ = must(open_elf_symtab(file));
  types_ = must(open_dwarf(
      file, [symbols = symbols_.get()](std::string_view name) { return symbols->address_of(name); }));
  const unsigned bits = must(find_pageblock_bits(*types_));
  usemap_words_ = bits;  // 64 pageblocks of 2 MiB in a section of 128 MiB
  if (auto usage = types_->find_struct("mem_section_usage"))
    usage_header_ = must(usage->member("pageblock_flags")).offset;
  map_memory();
  introduce();
}

void FakeKernel::map_memory() {
  const PhysAddr top = phys(symbol("init_top_pgt"));
  const PhysAddr direct(page_tables), upper(page_tables + 0x1000), leaves(page_tables + 0x2000);
  const auto entry = [](VirtAddr at, unsigned shift) { return (at.raw() >> shift & 511) * 8; };
  memory.add({top, 4096});
  memory.write_u64(top + entry(direct_map, 39), direct.raw() | present);
  memory.write_u64(direct, 0 | present | large);                 // physical 0 to 1 GiB
  memory.write_u64(direct + 8, (1ULL << 30) | present | large);  // and the memmap's own
  memory.write_u64(top + entry(vmemmap, 39), upper.raw() | present);
  memory.write_u64(upper + entry(vmemmap, 30), leaves.raw() | present);
  for (std::uint64_t i = 0; i < 64; ++i) {
    memory.write_u64(leaves + i * 8, (memmap + (i << 21)) | present | large);
  }
}

void FakeKernel::introduce() {
  const auto hex = [this](const std::string& name) { return fmt::format("{:x}", symbol(name).raw()); };
  vmcoreinfo = {{"OSRELEASE", "9.9.9-fake"},
                {"PAGESIZE", "4096"},
                {"SYMBOL(init_top_pgt)", hex("init_top_pgt")},
                {"SYMBOL(_stext)", hex("_stext")},
                {"SYMBOL(node_data)", hex("node_data")},
                {"LENGTH(node_data)", "16"},
                {"NUMBER(phys_base)", std::to_string(phys_base)},
                {"NUMBER(KERNEL_IMAGE_SIZE)", "1073741824"},
                {"KERNELOFFSET", fmt::format("{:x}", kaslr_offset)},
                {"LENGTH(zone.free_area)", "11"},
                {"SIZE(nodemask_t)", "8"}};
  const std::uint64_t size = layout("mem_section").size;
  const bool array =
      must(layout("mem_section").field("section_mem_map")).size() == 8 && !layout("mem_section").has("usage");
  vmcoreinfo["SIZE(mem_section)"] = std::to_string(size);
  if (array) {  // up to 4.14 the symbol is the root table, and VMCOREINFO has neither build ID nor
                // MAX_PHYSMEM_BITS
    vmcoreinfo["SYMBOL(mem_section)"] = hex("mem_section");
    vmcoreinfo["LENGTH(mem_section)"] = "2048";
  } else {
    vmcoreinfo["SYMBOL(mem_section)"] = fmt::format("{:x}", at(root_table).raw());
    vmcoreinfo["LENGTH(mem_section)"] = std::to_string((1ULL << 19) * size / 4096);
    vmcoreinfo["NUMBER(MAX_PHYSMEM_BITS)"] = "46";
    vmcoreinfo["NUMBER(SECTION_SIZE_BITS)"] = "27";
    vmcoreinfo["SYMBOL(vmemmap)"] = fmt::format("{:x}", vmemmap.raw());
    vmcoreinfo["BUILD-ID"] = must(read_elf_image(*must(File::open(vmlinux_)))).build_id;
    put(symbol("mem_section"), at(root_table).raw());
  }
  memory.add({phys(array ? symbol("mem_section") : at(root_table)),
              array ? 2048 * 8ULL : (1ULL << 19) * size / 4096 * 8});
  memory.add({phys(symbol("node_data")), 128});  // 16 pointers
  memory.add({phys(symbol("node_states")), 64});
  put_text(symbol("linux_banner"), "Linux version 9.9.9-fake (gcc)");
  put(symbol("__highest_present_section_nr"), 0);
  put(symbol("sections_per_block"), 1, 4);
}

VirtAddr FakeKernel::symbol(const std::string& name) const {
  const auto linked = symbols_->address_of(name);
  if (!linked) give_up("no symbol " + name);
  return *linked + kaslr_offset;
}

StructLayout FakeKernel::layout(const std::string& type) const { return must(types_->find_struct(type)); }

PhysAddr FakeKernel::phys(VirtAddr at) {
  if (at.raw() >= image_start) return PhysAddr(at.raw() - image_start + phys_base);
  if (at >= vmemmap) return PhysAddr(at - vmemmap + memmap);
  return PhysAddr(at - direct_map);
}

void FakeKernel::put(VirtAddr object, const std::string& type, const std::string& member,
                     std::uint64_t value) {
  const Field field = must(layout(type).field(member));
  put(object + field.offset(), value, field.size());
}

void FakeKernel::set_page(Pfn pfn, unsigned node, unsigned zone, std::uint64_t flags) {
  // | SECTION, without VMEMMAP | NODE, 4 bits | ZONE |
  const bool classic = vmcoreinfo.count("SYMBOL(vmemmap)") == 0 && !symbols_->address_of("vmemmap_populate");
  const unsigned zone_bits =
      static_cast<unsigned>(std::bit_width(must(layout("pglist_data").member("node_zones")).elements - 1));
  const unsigned node_shift = 64 - (classic ? 19 : 0) - 4;
  const std::uint64_t word =
      flags | std::uint64_t{node} << node_shift | std::uint64_t{zone} << (node_shift - zone_bits);
  memory.add({phys(struct_page(pfn)), layout("page").size});
  put(struct_page(pfn), "page", "flags", word);
}

void FakeKernel::mark(PhysRange range, unsigned node, std::uint64_t flags) {
  for (std::uint64_t pfn = range.start.raw() >> 12; pfn <= (range.end() - 1).raw() >> 12; ++pfn) {
    set_page(Pfn(pfn), node, 2, flags);
  }
}

void FakeKernel::add_section(const FakeSection& section) {
  const StructLayout type = layout("mem_section");
  const std::uint64_t per_root = 4096 / type.size;
  const std::uint64_t root = roots + section.nr / per_root * 4096;
  const VirtAddr table = type.has("usage") ? at(root_table) : symbol("mem_section");
  const VirtAddr entry = at(root) + section.nr % per_root * type.size;
  highest_section_ = std::max(highest_section_, section.nr);
  put(symbol("__highest_present_section_nr"), highest_section_);
  memory.add({PhysAddr(root), 4096});
  put(table + section.nr / per_root * 8, at(root).raw());
  put(entry, "mem_section", "section_mem_map", vmemmap.raw() | section.flags);

  const VirtAddr usage = section.usage.value_or(at(next_usage_));
  if (!section.usage) next_usage_ += usage_size();
  put(entry, "mem_section", type.has("usage") ? "usage" : "pageblock_flags", usage.raw());
  if (usage.raw() != 0) {
    memory.add({phys(usage), usage_size()});
    if (usage_header_ != 0)
      put(usage + must(layout("mem_section_usage").member("subsection_map")).offset, section.subsections);
    for (std::size_t i = 0; i < section.usemap.size(); ++i)
      put(usage + usage_header_ + i * 8, section.usemap[i]);
  }
  for (std::uint64_t pfn = 0; pfn < pages_per_section(); pfn += 512) {
    set_page(Pfn(section.nr * pages_per_section() + pfn), section.node, section.zone);
  }
}

VirtAddr FakeKernel::pgdat(unsigned node) const { return at(pgdats) + std::uint64_t{node} * 0x10000; }

VirtAddr FakeKernel::zone(unsigned node, unsigned zone) const {
  return pgdat(node) + must(layout("pglist_data").member("node_zones")).offset + zone * layout("zone").size;
}

void FakeKernel::add_node(unsigned node, std::uint64_t start_pfn, std::uint64_t pages) {
  memory.add({phys(pgdat(node)), layout("pglist_data").size});
  put(symbol("node_data") + std::uint64_t{node} * 8, pgdat(node).raw());
  put(pgdat(node), "pglist_data", "node_start_pfn", start_pfn);
  put(pgdat(node), "pglist_data", "node_spanned_pages", pages);
  put(pgdat(node), "pglist_data", "node_present_pages", pages);
}

void FakeKernel::add_zone(unsigned node, unsigned index, const std::string& name, std::uint64_t start_pfn,
                          std::uint64_t pages) {
  const VirtAddr text = symbol("scratch") + (1 + std::uint64_t{index}) * 16;
  put_text(text, name);
  put(zone(node, index), "zone", "zone_start_pfn", start_pfn);
  for (const char* count : {"spanned_pages", "present_pages", "managed_pages"})
    put(zone(node, index), "zone", count, pages);
  put(zone(node, index), "zone", "name", text.raw());
}

void FakeKernel::add_block(const FakeBlock& block) {
  const StructLayout type = layout("memory_block");
  const VirtAddr object = at(blocks) + block.id * 0x1000;
  memory.add({phys(object), 0x1000});
  put(object, "memory_block", "start_section_nr", block.id);
  put(object, "memory_block", "state", block.state);
  put(object, "memory_block", "nid", static_cast<std::uint64_t>(block.node));
  put(object, "memory_block", "zone", block.zone.raw());
  if (type.has("nr_vmemmap_pages")) {
    put(object, "memory_block", "nr_vmemmap_pages", block.altmap_pages);
  } else if (block.altmap_pages != 0) {
    put(object, "memory_block", "altmap", (object + 0xc00).raw());
    put(object + 0xc00, "vmem_altmap", "free", block.altmap_pages);
  }
  // one node of 64 slots is the whole tree
  memory.add({PhysAddr(xarray_node), 4096});
  put(symbol("memory_blocks"), "xarray", "xa_head", at(xarray_node).raw() + 2);
  put(at(xarray_node) + must(layout("xa_node").member("slots")).offset + block.id * 8, object.raw());
}

void FakeKernel::set_pageblock_names(const std::vector<std::string>& names) {
  VirtAddr text = symbol("scratch") + 0x1000;
  for (std::size_t i = 0; i < names.size(); ++i, text += 32) {
    put_text(text, names[i]);
    put(symbol("migratetype_names") + i * 8, text.raw());
  }
}

std::string FakeKernel::vmcoreinfo_text() const {
  std::string text;
  for (const auto& [key, value] : vmcoreinfo) text += fmt::format("{}={}\n", key, value);
  return text;
}

Buffer FakeKernel::elf_core() const {
  ElfRecipe recipe;
  if (!vmcoreinfo.empty()) {
    recipe.segments.push_back(note_segment(elf_note("VMCOREINFO", 0, vmcoreinfo_text())));
  }
  for (const PhysRange& range : must(memory.ranges())) {
    for (std::uint64_t done = 0; done < range.size; done += 4096) {
      const auto page = memory.view(range.start + done, 4096);
      if (!page) continue;
      const std::uint64_t phys = (range.start + done).raw();
      if (recipe.segments.empty() ||
          recipe.segments.back().phys + recipe.segments.back().bytes.size() != phys) {
        recipe.segments.emplace_back().phys = phys;
      }
      Buffer& bytes = recipe.segments.back().bytes;
      bytes.insert(bytes.end(), page->bytes.begin(), page->bytes.end());
    }
  }
  return build_elf_core(recipe);
}

Buffer FakeKernel::kdump() const {
  KdumpRecipe recipe;
  recipe.vmcoreinfo = vmcoreinfo_text();
  for (const PhysRange& range : must(memory.ranges())) {
    for (std::uint64_t done = 0; done < range.size; done += 4096) {
      const auto page = memory.view(range.start + done, 4096);
      KdumpPage stored = excluded_page();
      if (page) {
        stored.kind = KdumpPage::Kind::stored;
        stored.bytes.assign(page->bytes.begin(), page->bytes.end());
      }
      recipe.pages[(range.start + done).raw() >> 12] = stored;
    }
  }
  return build_kdump(recipe).bytes;
}

Result<Kernel> FakeKernel::open(bool as_kdump) const {
  const TempFile dump(as_kdump ? kdump() : elf_core());
  InputRequest request;
  request.files = {dump.path(), vmlinux_};
  return Kernel::open(request);
}

Result<MemoryModel> FakeKernel::load(const ModelParts& parts, bool as_kdump) const {
  auto kernel = open(as_kdump);
  if (!kernel) return std::move(kernel).error();
  return load_model(*kernel, parts);
}

std::uint64_t FakeKernel::reserved_flag() const {
  return std::uint64_t{1} << must(types_->find_enumerator("pageflags", "PG_reserved"));
}

}  // namespace memsect::test
