// Cuts a dump down to the pages that memsect reads from it, so that a real kernel fits into the repository.
//
//   cut_dump DUMP VMLINUX OUT
//
// Loads the whole memory model and notes which pages that took; writes these, compressed, and all others of
// the original as excluded.
#include <fmt/format.h>

#include <cstdio>
#include <set>

#include "kernel/kernel.h"
#include "model/load_model.h"
#include "support/dump_builder.h"

namespace memsect::test {
namespace {

constexpr std::uint64_t page_size = 4096;
std::set<std::uint64_t> pages_read;  // a driver's open() takes no context, and this program has one dump
const FormatDriver* original_format = nullptr;

class RecordingMemory final : public PhysicalMemory {
 public:
  explicit RecordingMemory(std::unique_ptr<const PhysicalMemory> inner) : inner_(std::move(inner)) {}
  Result<std::vector<PhysRange>> ranges() const override { return inner_->ranges(); }
  Result<View> view(PhysAddr at, std::size_t want) const override {
    auto view = inner_->view(at, std::min<std::size_t>(want, page_size - at.raw() % page_size));
    if (view) pages_read.insert(at.raw() / page_size);
    return view;
  }

 private:
  std::unique_ptr<const PhysicalMemory> inner_;
};

Result<Dump> open_recording(const DumpParts& parts) {
  auto dump = original_format->open(parts);
  if (dump) dump->memory = std::make_unique<RecordingMemory>(std::move(dump->memory));
  return dump;
}
constexpr FormatDriver recording{"recording", nullptr, open_recording};

Result<KdumpRecipe> make_recipe(const Dump& dump) {
  KdumpRecipe recipe;
  recipe.machine = dump.info.utsname_machine.empty() ? "x86_64" : dump.info.utsname_machine;
  recipe.dump_level = dump.info.level.value_or(0);
  recipe.vmcoreinfo = dump.vmcoreinfo;
  const std::set<std::uint64_t> kept = pages_read;
  const auto ranges = dump.memory->ranges();
  if (!ranges) return ranges.error();
  for (const PhysRange& range : *ranges) {
    for (std::uint64_t pfn = range.start.raw() / page_size; pfn < range.end().raw() / page_size; ++pfn) {
      recipe.pages[pfn] = excluded_page();
    }
  }
  for (const std::uint64_t pfn : kept) {
    KdumpPage page;
    page.codec = Codec::zstd;
    page.bytes.resize(page_size);
    if (auto done = dump.memory->read(PhysAddr(pfn * page_size), page.bytes); !done)
      return std::move(done).error();
    recipe.pages[pfn] = std::move(page);
  }
  return recipe;
}

Result<void> cut(const char* dump_path, const char* vmlinux_path, const char* out_path) {
  InputRequest request;
  request.files = {dump_path, vmlinux_path};
  auto inputs = open_input_files(request);
  if (!inputs) return std::move(inputs).error();
  original_format = inputs->dump_format;
  inputs->dump_format = &recording;
  auto kernel = Kernel::open(*inputs, request);
  if (!kernel) return std::move(kernel).error();
  auto model = load_model(*kernel, {.usages = true,
                                    .memmap = true,
                                    .section_nodes = true,
                                    .section_zones = true,
                                    .nodes = true,
                                    .zone_pageblocks = true,
                                    .blocks = true});
  if (!model) return std::move(model).error();
  auto recipe = make_recipe(kernel->dump());
  if (!recipe) return std::move(recipe).error();
  const Kdump out = build_kdump(*recipe);
  std::FILE* const file = std::fopen(out_path, "wb");
  if (file == nullptr) return Error{Errc::io, "cannot be written", {}};
  const bool written = std::fwrite(out.bytes.data(), 1, out.bytes.size(), file) == out.bytes.size();
  if (std::fclose(file) != 0 || !written) return Error{Errc::io, "cannot be written", {}};
  fmt::print("{}: {} KiB, {} pages\n", out_path, out.bytes.size() >> 10, pages_read.size());
  return {};
}

}  // namespace
}  // namespace memsect::test

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: cut_dump DUMP VMLINUX OUT\n");
    return 2;
  }
  const auto done = memsect::test::cut(argv[1], argv[2], argv[3]);
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 1;
}
