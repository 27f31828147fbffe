// Writes small sound inputs for the fuzzers to start from: fuzz_seeds FOLDER makes FOLDER/kdump, FOLDER/elf_core and so
// on, one folder a fuzzer. ELF files with DWARF are the fixtures of testdata/types.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "support/dump_builder.h"
#include "support/kallsyms_builder.h"
#include "support/pack_builder.h"
#include "support/range_builder.h"
#include "support/type_fixture.h"

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
  for (ElfSegment& segment : recipe.segments) segment.virt = segment.phys + 0xffff888000000000;
  save(folder / "proc_kcore" / ("kcore" + suffix), build_elf_core(recipe));
  save(folder / "flattened" / ("elf" + suffix), build_flattened(flat_recipe(build_elf_core(recipe), 1000)));
  recipe.elf_class = 1;
  save(folder / "elf_core" / ("32-bit" + suffix), build_elf_core(recipe));
  recipe.elf_class = 2;
  recipe.sections_first = recipe.extended_count = true;
  save(folder / "elf_core" / ("qemu" + suffix), build_elf_core(recipe));
}

/// An int and a struct with one member of it.
void save_btf_seed(const std::filesystem::path& folder) {
  const std::string names("\0int\0mem_section\0usage\0", 23);
  constexpr std::uint32_t kind_int = 1U << 24, kind_struct = 4U << 24;
  const std::vector<std::uint32_t> words = {0x0001eb9f, 24,
                                            0,          40,
                                            40,         23,  // magic, sizes, places of types, names
                                            1,          kind_int,
                                            4,          32,  // int, 4 bytes, 32 bits
                                            5,          kind_struct | 1,
                                            4,          17,
                                            1,          0};
  Buffer bytes(words.size() * 4);
  for (std::size_t i = 0; i < words.size(); ++i) put_unsigned(bytes, i * 4, words[i], 4, ByteOrder::little);
  const Buffer text = to_bytes(names);
  bytes.insert(bytes.end(), text.begin(), text.end());
  save(folder / "btf" / "struct", bytes);
}

void save_packing_seeds(const std::filesystem::path& folder) {
  for (const Packing packing : packings) {
    Buffer packed = pack(packing, page_of_text("packed", 20000));
    save(folder / "packing" / packing_name(packing), packed);
    packed.insert(packed.end(), packed.begin(), packed.end());
    save(folder / "packing" / (std::string(packing_name(packing)) + "-twice"), packed);
  }
}

void save_lime_seeds(const std::filesystem::path& folder) {
  const Buffer low = page_of_text("low", 0x2000), high = page_of_text("high", 70000);
  save(folder / "lime" / "lime", lime_range(0x1000, low) + lime_range(0x100000, high));
  save(folder / "lime" / "avml", avml_range(0x1000, low) + avml_range(0x100000, high));
  save(folder / "lime" / "avml-plain", avml_range(0x1000, low, true));
}

void save_elf_seeds(const std::filesystem::path& folder) {
  for (const char* fixture :
       {"shapes-dwarf4", "shapes-dwarf5", "shapes-dwarf64", "shapes-zlib", "shapes-zlib-gnu", "shapes-zstd",
        "shapes-stripped", "two_units", "kernel_6-dwarf5"}) {
    const Buffer bytes = to_bytes(testing::file_bytes(testing::fixture_path(fixture)));
    for (const char* fuzzer : {"elf", "dwarf"}) save(folder / fuzzer / fixture, bytes);
  }
}

/// Each kernel with each command (fuzz_model.cc); and a stretch of each place in each kernel, with another command.
void save_model_seeds(const std::filesystem::path& folder) {
  for (unsigned kernel = 0; kernel < 9; ++kernel)
    save(folder / "model" / std::to_string(kernel), {std::byte(kernel)});
  for (const unsigned kernel : {1U, 3U, 8U}) {
    for (unsigned place = 0; place < 26; ++place) {
      save(folder / "model" / (std::to_string(kernel) + "-" + std::to_string(place)),
           {std::byte(kernel), std::byte(place), std::byte(8), std::byte(0), std::byte(1), std::byte(0x41)});
    }
  }
  save(folder / "model" / "extract", {std::byte(0xf1)});
}

/// Small tables of every form and order, behind the head of fuzz_kallsyms.cc.
void save_kallsyms_seeds(const std::filesystem::path& folder) {
  constexpr VirtAddr text(0xffffffff81000000);
  for (unsigned kind = 0; kind < 24; ++kind) {
    KallsymsRecipe recipe;
    recipe.form = std::array{KallsymsForm::absolute, KallsymsForm::place, KallsymsForm::base,
                             KallsymsForm::per_cpu}[kind % 4];
    recipe.layout = std::array{KallsymsLayout::linux_5_10, KallsymsLayout::linux_6_2,
                               KallsymsLayout::linux_6_12}[kind / 4 % 3];
    recipe.order = kind < 12 ? ByteOrder::little : ByteOrder::big;
    recipe.symbols = some_symbols(text, kind % 2 == 0 ? 10 : 270, recipe.form);
    recipe.at = recipe.relative_base = text;
    const BuiltKallsyms built = build_kallsyms(recipe);
    Buffer bytes;
    for (const VirtAddr table :
         {built.num_syms, built.names, built.token_table, built.token_index, built.addresses}) {
      bytes.resize(bytes.size() + 4);
      put_unsigned(bytes, bytes.size() - 4, table - text, 4, ByteOrder::little);
    }
    bytes.push_back(static_cast<std::byte>(kind % 4 + (kind < 12 ? 0 : 4)));
    bytes.insert(bytes.end(), built.bytes.begin(), built.bytes.end());
    save(folder / "kallsyms" / std::to_string(kind), bytes);
  }
  save(
      folder / "symbol_list" / "list",
      to_bytes(
          "0000000000000000 D __per_cpu_start\nffffffff81000000 T _stext\nffffffffc0000000 t a\t[module]\n"));
}

}  // namespace
}  // namespace memsect::test

int main(int count, char** arguments) {
  if (count != 2) return std::fputs("usage: fuzz_seeds FOLDER\n", stderr), 2;
  for (const auto order : {memsect::ByteOrder::little, memsect::ByteOrder::big})
    memsect::test::save_seeds(arguments[1], order);
  memsect::test::save_btf_seed(arguments[1]);
  memsect::test::save_packing_seeds(arguments[1]);
  memsect::test::save_lime_seeds(arguments[1]);
  memsect::test::save_elf_seeds(arguments[1]);
  memsect::test::save_model_seeds(arguments[1]);
  memsect::test::save_kallsyms_seeds(arguments[1]);
}
