// Writes small sound dumps for the fuzzers to start from: fuzz_seeds FOLDER makes FOLDER/kdump,
// FOLDER/elf_core, FOLDER/flattened and FOLDER/notes.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "support/dump_builder.h"

namespace memsect::test {
namespace {

void save(const std::filesystem::path& path, const Buffer& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void save_seeds(const std::filesystem::path& folder, ByteOrder order) {
  const std::string suffix = order == ByteOrder::little ? "-le" : "-be";
  const std::string vmcoreinfo =
      "OSRELEASE=6.1\nPAGESIZE=4096\nSYMBOL(_stext)=ffffffff81000000\nNUMBER(phys_base)=0\n";
  save(folder / "notes" / ("note" + suffix), elf_note("VMCOREINFO", 0, vmcoreinfo, order));
  save(folder / "notes" / ("text" + suffix), to_bytes(vmcoreinfo));
  for (std::uint32_t version = 1; version <= 6; ++version) {
    KdumpRecipe recipe;
    recipe.version = version;
    recipe.order = order;
    recipe.vmcoreinfo = "OSRELEASE=6.1\n";
    recipe.vmcoreinfo_in_notes = version == 5;
    recipe.pages[1] = excluded_page();
    std::uint64_t pfn = 2;
    for (const Codec codec : {Codec::zlib, Codec::lzo, Codec::snappy, Codec::zstd})
      recipe.pages[pfn++] = stored_page("page", codec);
    save(folder / "kdump" / ("v" + std::to_string(version) + suffix), build_kdump(recipe).bytes);
    save(folder / "flattened" / ("v" + std::to_string(version) + suffix),
         build_flattened(flat_recipe(build_kdump(recipe).bytes, 4096)));
    recipe.word_bits = 32;
    save(folder / "kdump" / ("v" + std::to_string(version) + "-32" + suffix), build_kdump(recipe).bytes);
    recipe.word_bits = 64;
    save(folder / "kdump" / ("v" + std::to_string(version) + "-split" + suffix),
         build_split_kdump(recipe, {0, 3}).back());
  }
  ElfRecipe recipe;
  recipe.order = order;
  recipe.segments = {note_segment(elf_note("VMCOREINFO", 0, "OSRELEASE=6.1\n", order)), {}, {}};
  for (std::size_t i = 1; i < recipe.segments.size(); ++i) {
    recipe.segments[i].phys = 0x1000 * i;
    recipe.segments[i].bytes = page_of_text("segment", 0x1100);
  }
  save(folder / "elf_core" / ("plain" + suffix), build_elf_core(recipe));
  save(folder / "flattened" / ("elf" + suffix), build_flattened(flat_recipe(build_elf_core(recipe), 1000)));
  recipe.elf_class = 1;
  save(folder / "elf_core" / ("32-bit" + suffix), build_elf_core(recipe));
  recipe.elf_class = 2;
  recipe.sections_first = recipe.extended_count = true;
  save(folder / "elf_core" / ("qemu" + suffix), build_elf_core(recipe));
}

}  // namespace
}  // namespace memsect::test

int main(int count, char** arguments) {
  if (count != 2) return std::fputs("usage: fuzz_seeds FOLDER\n", stderr), 2;
  for (const auto order : {memsect::ByteOrder::little, memsect::ByteOrder::big})
    memsect::test::save_seeds(arguments[1], order);
}
