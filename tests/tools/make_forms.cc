// Writes a dump anew in every form that memsect reads, so that the answers can be compared.
//
//   make_forms DUMP FOLDER
//
// Prints the name of each form and the files it consists of. Forms in a codec that the build leaves out are named as
// skipped.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>

#include "support/dump_builder.h"

namespace memsect::test {
namespace {

constexpr std::uint64_t page_size = 4096;

/// What all forms hold.
struct Content {
  std::string vmcoreinfo;
  DumpInfo info;
  std::map<std::uint64_t, Buffer> pages;
  std::vector<PhysRange> existing;
};

Result<Content> read_content(const std::string& path) {
  auto file = File::open(path);
  if (!file) return std::move(file).error();
  auto format = sniff_format(**file);
  if (!format) return std::move(format).error();
  if (*format == nullptr) return Error{Errc::bad_format, "is no dump", {}};
  auto dump = (*format)->open({*file});
  if (!dump) return std::move(dump).error();
  auto ranges = dump->memory->ranges();
  if (!ranges) return std::move(ranges).error();
  Content content{dump->vmcoreinfo, dump->info, {}, *std::move(ranges)};
  Buffer page(page_size);
  for (const PhysRange& range : content.existing) {
    for (std::uint64_t at = range.start.raw(); at < range.end().raw(); at += page_size) {
      const auto read = dump->memory->read(PhysAddr(at), page);
      if (read) content.pages[at / page_size] = page;
      if (!read && read.error().code != Errc::excluded) return read.error();
    }
  }
  return content;
}

KdumpRecipe kdump_recipe(const Content& content, std::optional<Codec> codec) {
  KdumpRecipe recipe;
  recipe.machine = content.info.utsname_machine;
  recipe.dump_level = content.info.level.value_or(0);
  recipe.vmcoreinfo = content.vmcoreinfo;
  recipe.excluded = content.existing;
  const PhysRange& last = content.existing.back();
  recipe.max_pfn = last.end().raw() / page_size;
  for (const auto& [pfn, bytes] : content.pages) {
    KdumpPage& page = recipe.pages[pfn];
    page.bytes = bytes;
    page.codec = codec;
  }
  return recipe;
}

Buffer make_elf(const Content& content) {
  ElfRecipe recipe;
  recipe.segments.push_back(note_segment(elf_note("VMCOREINFO", 0, content.vmcoreinfo)));
  recipe.extended_count = true;
  std::uint64_t next = 0;
  for (const auto& [pfn, bytes] : content.pages) {
    if (recipe.segments.size() == 1 || pfn != next)
      recipe.segments.push_back(load_segment(pfn * page_size, {}));
    Buffer& segment = recipe.segments.back().bytes;
    segment.insert(segment.end(), bytes.begin(), bytes.end());
    next = pfn + 1;
  }
  return build_elf_core(recipe);
}

class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {}

  /// Writes the files of a form and names them.
  Result<void> write(const std::string& form, const std::vector<Buffer>& files) const {
    std::string line = form;
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string name = files.size() == 1 ? form : fmt::format("{}.{}", form, i + 1);
      std::FILE* const file = std::fopen((path_ + "/" + name).c_str(), "wb");
      if (file == nullptr) return Error{Errc::io, name + " cannot be written", {}};
      const bool written = std::fwrite(files[i].data(), 1, files[i].size(), file) == files[i].size();
      if (std::fclose(file) != 0 || !written) return Error{Errc::io, name + " cannot be written", {}};
      line += " " + name;
    }
    fmt::print("{}\n", line);
    return {};
  }

 private:
  std::string path_;
};

Result<void> make_kdumps(const Content& content, const Folder& folder) {
  for (const Codec codec : {Codec::zlib, Codec::lzo, Codec::snappy, Codec::zstd}) {
    if (!codec_built_in(codec)) {
      fmt::print("skipped kdump-{}: this build leaves the codec out\n", codec_name(codec));
      continue;
    }
    const Buffer bytes = build_kdump(kdump_recipe(content, codec)).bytes;
    if (auto done = folder.write(fmt::format("kdump-{}", codec_name(codec)), {bytes}); !done) return done;
  }
  KdumpRecipe recipe = kdump_recipe(content, std::nullopt);
  if (auto done = folder.write("kdump-raw", {build_kdump(recipe).bytes}); !done) return done;
  recipe.order = ByteOrder::big;  // the headers alone: memory is as it is
  if (auto done = folder.write("kdump-big-endian", {build_kdump(recipe).bytes}); !done) return done;

  recipe = kdump_recipe(content, Codec::zlib);
  FlatRecipe flat = flat_recipe(build_kdump(recipe).bytes, 65521);
  if (auto done = folder.write("kdump-flattened", {build_flattened(flat)}); !done) return done;
  std::reverse(flat.records.begin(), flat.records.end());
  if (auto done = folder.write("kdump-flattened-backwards", {build_flattened(flat)}); !done) return done;

  auto middle = content.pages.begin();
  std::advance(middle, content.pages.size() / 3);
  const std::uint64_t second = middle->first;
  std::advance(middle, content.pages.size() / 3);
  std::vector<Buffer> parts = build_split_kdump(recipe, {0, second, middle->first});
  if (auto done = folder.write("kdump-split", parts); !done) return done;
  for (Buffer& part : parts) part = build_flattened(flat_recipe(part, 4099));
  return folder.write("kdump-split-flattened", parts);
}

Result<void> make_forms(const std::string& dump, const Folder& folder) {
  auto content = read_content(dump);
  if (!content) return std::move(content).error();
  const Buffer elf = make_elf(*content);
  if (auto done = folder.write("elf", {elf}); !done) return done;
  if (auto done = folder.write("elf-flattened", {build_flattened(flat_recipe(elf, 30011))}); !done)
    return done;
  return make_kdumps(*content, folder);
}

}  // namespace
}  // namespace memsect::test

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: make_forms DUMP FOLDER\n");
    return 2;
  }
  const auto done = memsect::test::make_forms(argv[1], memsect::test::Folder(argv[2]));
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 1;
}
