// Opening, in order:
//   files are told apart -> the dump is opened -> VMCOREINFO is read -> the vmlinux is named or found
//   -> symbols -> KASLR offset -> the address space -> dump and vmlinux are compared -> types
// From then on everything is there and nothing changes any more.
#include "kernel/kernel.h"

#include <fmt/format.h>

#include "base/text.h"
#include "elf/debug_file.h"
#include "elf/elf_image.h"
#include "symbols/elf_symtab.h"
#include "types/btf.h"
#include "types/dwarf.h"
#include "types/type_chain.h"

namespace memsect {
namespace {

const ArchDriver* find_arch_by_name(std::string_view name) {
  for (const ArchDriver* arch : arch_drivers()) {
    if (arch->name == name) return arch;
  }
  return nullptr;
}

/// 16 or 20 bytes in lower-case hexadecimal, and not all zeros.
bool is_build_id(std::string_view text) {
  return (text.size() == 32 || text.size() == 40) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

std::string join(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all;
}

}  // namespace

Result<Kernel> Kernel::open(const InputRequest& request) {
  auto inputs = open_input_files(request);
  if (!inputs) return std::move(inputs).error();
  return open(*inputs, request);
}

Result<Kernel> Kernel::open(const InputFiles& inputs, const InputRequest& request, AccessRecord* record) {
  if (!inputs.dump) {
    return Error{Errc::unsupported,
                 "no dump was named, and reading the running kernel is not in this release yet",
                 "name a vmcore: memsect COMMAND VMCORE [VMLINUX]"};
  }
  Kernel kernel;
  if (auto done = kernel.open_dump(inputs); !done) return std::move(done).error();
  if (record != nullptr) {
    const PhysicalMemory& memory = *kernel.dump_.memory;
    kernel.recorded_tables_ = std::make_unique<RecordingMemory>(memory, record->tables, record->failed);
    kernel.recorded_data_ = std::make_unique<RecordingMemory>(memory, record->data, record->failed);
  }
  if (auto done = kernel.open_vmlinux(inputs, request); !done) return std::move(done).error();
  return kernel;
}

Result<void> Kernel::open_dump(const InputFiles& inputs) {
  const std::string& path = inputs.dump->path();
  const DumpParts parts = inputs.dump_parts();
  auto dump = inputs.dump_format->open(parts);
  // Where there are several, the errors name them.
  if (!dump && parts.size() > 1) return std::move(dump).error();
  if (!dump) return std::move(dump).error().within(path);
  dump_ = std::move(*dump);
  notes_.append(dump_.notes);
  for (const auto& part : parts) files_.push_back({part->name(), "dump", inputs.dump_format->name});
  if (dump_.info.word_bits != 64) {
    return Error{
        Errc::unsupported,
        fmt::format("{}: is the dump of a machine with {}-bit words{}; memsect reads 64-bit kernels", path,
                    dump_.info.word_bits,
                    dump_.info.utsname_machine.empty() ? "" : " (" + dump_.info.utsname_machine + ")"),
        {}};
  }
  if (dump_.vmcoreinfo.empty()) {
    return Error{Errc::unsupported,
                 path + ": has no VMCOREINFO note, and looking for it in memory is not in this release yet",
                 "QEMU writes the note when the guest has -device vmcoreinfo"};
  }
  auto info = Vmcoreinfo::parse(dump_.vmcoreinfo);
  if (!info) return std::move(info).error().within(path);
  vmcoreinfo_ = std::move(*info);
  for (const std::string& key : vmcoreinfo_.contradictions()) {
    notes_.warn(
        fmt::format("VMCOREINFO says {} more than once, and not the same: the first one counts", key));
  }
  release_ = vmcoreinfo_.release();
  build_id_ = std::string(vmcoreinfo_.value("BUILD-ID").value_or(""));
  if (!build_id_.empty() && !is_build_id(build_id_)) {
    notes_.note(fmt::format("BUILD-ID in VMCOREINFO is damaged ({}), as in some point releases: not used",
                            build_id_));
    build_id_.clear();
  }
  return {};
}

Result<void> Kernel::open_vmlinux(const InputFiles& inputs, const InputRequest& request) {
  std::shared_ptr<const File> vmlinux = inputs.vmlinux;
  if (!vmlinux) {
    VmlinuxSearch search;
    if (request.search) search = search_vmlinux(inputs.dump->path(), build_id_, release_);
    vmlinux = search.found;
    if (!vmlinux) {
      const std::string where =
          search.tried.empty() ? "--no-search was given" : "looked at " + join(search.tried);
      return Error{
          Errc::unsupported,
          fmt::format("{}: the vmlinux of {} is not at hand ({})", inputs.dump->path(), release_, where),
          fmt::format("install the kernel's debug package (Debian: linux-image-{}-dbg, Fedora: "
                      "kernel-debuginfo) or name its "
                      "vmlinux",
                      release_)};
    }
  }
  const std::string& path = vmlinux->path();
  auto image = read_elf_image(*vmlinux);
  if (!image) return std::move(image).error().within(path);
  arch_ = find_arch(image->machine);
  if (arch_ == nullptr) {
    return Error{Errc::unsupported,
                 fmt::format("{}: this machine (ELF e_machine {}) is not supported", path, image->machine),
                 {}};
  }
  const ArchDriver* const dumped = dump_.info.elf_machine != 0
                                       ? find_arch(dump_.info.elf_machine)
                                       : find_arch_by_name(dump_.info.utsname_machine);
  if (dumped != nullptr && dumped != arch_) {
    return Error{Errc::mismatch,
                 fmt::format("{} is a kernel of {}, the dump of {}", path, arch_->name, dumped->name),
                 {}};
  }
  order_ = image->order;
  page_size_ = vmcoreinfo_.page_size().value_or(std::uint64_t{1} << arch_->page_shift);
  if (!build_id_.empty() && build_id_ != image->build_id) {
    const std::string text =
        fmt::format("{} does not belong to this dump: build ID {}, the dumped kernel has {}", path,
                    image->build_id.empty() ? "missing" : image->build_id, build_id_);
    if (!request.force) {
      return Error{Errc::mismatch, text,
                   fmt::format("find the vmlinux of {}; --force goes on all the same", release_)};
    }
    notes_.warn(text + "; going on because of --force: figures may be nonsense");
  }
  auto debug_file = open_debug_file(inputs, vmlinux, *image, request);
  if (!debug_file) return std::move(debug_file).error();
  const auto& with_symbols = image->has_symtab ? vmlinux : *debug_file;
  auto symbols = open_elf_symtab(with_symbols);
  if (!symbols) return std::move(symbols).error().within(with_symbols->path());
  symbols_ = std::move(*symbols);
  find_kaslr_offset();
  if (auto done = open_memory(); !done) return std::move(done).error().within(inputs.dump->path());
  if (build_id_.empty()) {
    if (auto done = check_pairing(*vmlinux, request); !done) return std::move(done).error();
  }
  // Units are looked up later still: the lookup holds on to the symbols, not to this object, which moves.
  auto types = open_dwarf(
      *debug_file, [symbols = symbols_.get()](std::string_view name) { return symbols->address_of(name); });
  if (!types) return std::move(types).error().within((*debug_file)->path());
  // Cut-down and link-time optimised images lack structs in their DWARF that .BTF still has.
  types_ = make_type_chain(std::move(*types), [vmlinux] { return open_btf(vmlinux); });
  files_.push_back({path, "vmlinux", "elf"});
  if (*debug_file != vmlinux) files_.push_back({(*debug_file)->path(), "vmlinux", "elf-debug"});
  return {};
}

/// The file with the DWARF: the vmlinux itself, or its separate debug file.
Result<std::shared_ptr<const File>> Kernel::open_debug_file(const InputFiles& inputs,
                                                            const std::shared_ptr<const File>& vmlinux,
                                                            const ElfImage& image,
                                                            const InputRequest& request) {
  if (image.has_dwarf) return vmlinux;
  if (inputs.debug_file) return inputs.debug_file;
  DebugFileSearch search;
  if (request.search) search = find_debug_file(vmlinux, image);
  if (search.found) {
    notes_.note(
        fmt::format("{} has no debug information: taken from {}", vmlinux->path(), search.found->path()));
    return search.found;
  }
  const std::string where =
      search.tried.empty() ? ""
                           : ", and its debug file is not at hand (looked at " + join(search.tried) + ")";
  return Error{Errc::no_type,
               fmt::format("{}: has no debug information (.debug_info){}", vmlinux->path(), where),
               "name the vmlinux of the debug package, or the debug file beside this one"};
}

void Kernel::find_kaslr_offset() {
  // Both say the same; _stext also serves machines that print no KERNELOFFSET.
  const auto run = vmcoreinfo_.symbol("_stext");
  const auto linked = symbols_->address_of("_stext");
  const auto printed = vmcoreinfo_.kernel_offset();
  if (run && linked) {
    kaslr_offset_ = *run - *linked;
    if (printed && *printed != *kaslr_offset_) {
      notes_.warn(fmt::format("KERNELOFFSET says {:#x}, the place of _stext {:#x}: the latter is used",
                              *printed, *kaslr_offset_));
    }
  } else {
    kaslr_offset_ = printed;
  }
}

std::optional<VirtAddr> Kernel::address_of(std::string_view name) const {
  const auto linked = symbols_->address_of(name);
  if (!linked) return std::nullopt;
  return *linked + kaslr_offset_.value_or(0);
}

Result<void> Kernel::open_memory() {
  const ArchInputs inputs{recorded_tables_ ? *recorded_tables_ : *dump_.memory, vmcoreinfo_,
                          [this](std::string_view name) { return address_of(name); }, order_};
  auto memory = arch_->open(inputs);
  if (!memory) return std::move(memory).error();
  arch_memory_ = std::move(*memory);
  return {};
}

/// Whether the text at the vmlinux's linux_banner, in the dump, names the dumped release.
Result<bool> Kernel::banner_names_release() const {
  const auto at = address_of("linux_banner");
  if (!at) return Error{Errc::no_symbol, "linux_banner is not known", {}};
  const std::string wanted = "Linux version " + release_ + " ";
  std::vector<std::byte> bytes(wanted.size());
  if (auto done = space().read(*at, bytes); !done) return std::move(done).error();
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == wanted;
}

/// Before 5.9 VMCOREINFO has no build ID: the banner must lie where this vmlinux puts it.
Result<void> Kernel::check_pairing(const File& vmlinux, const InputRequest& request) {
  const auto same = banner_names_release();
  if (same && *same) {
    notes_.note("the dumped kernel tells no build ID (5.9+): matched by its banner");
    return {};
  }
  const std::string text =
      same ? fmt::format("{} does not belong to this dump: the banner of {} is not where it puts it",
                         vmlinux.path(), release_)
           : fmt::format(
                 "whether {} belongs to this dump cannot be told: no build ID, and the kernel's banner: {}",
                 vmlinux.path(), same.error().message);
  if (!request.force) return Error{Errc::mismatch, text, "--force goes on all the same"};
  notes_.warn(text + "; going on because of --force: figures may be nonsense");
  return {};
}

}  // namespace memsect
