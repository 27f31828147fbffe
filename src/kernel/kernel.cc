// Opening, in order:
//   files are told apart -> the dump is opened -> VMCOREINFO is read -> a vmlinux is named, found or done without
//   -> the machine -> symbols (symbol_sources.h) -> KASLR offset -> the address space
//   -> dump and vmlinux are compared -> types (type_sources.h)
// From then on everything is there and nothing changes any more.
#include "kernel/kernel.h"

#include <fmt/format.h>

#include <span>

#include "elf/debuginfod.h"
#include "formats/proc_kcore.h"
#include "kernel/pairing.h"
#include "kernel/symbol_sources.h"
#include "kernel/type_sources.h"
#include "kernel/which_kernel.h"
#include "symbols/elf_symtab.h"

namespace memsect {

Result<Kernel> Kernel::open(const InputRequest& request) {
  auto inputs = open_input_files(request);
  if (!inputs) return std::move(inputs).error();
  return open(*inputs, request);
}

Result<Kernel> Kernel::open(const InputFiles& inputs, const InputRequest& request, AccessRecord* record) {
  Kernel kernel;
  if (inputs.given) {
    kernel.take(std::move(*inputs.given));
  } else if (auto done = inputs.dump ? kernel.open_dump(inputs) : kernel.open_live(inputs.live); !done) {
    return std::move(done).error();
  }
  if (auto done = kernel.read_vmcoreinfo(inputs, request); !done) return std::move(done).error();
  if (record != nullptr) {
    const PhysicalMemory& memory = *kernel.dump_.memory;
    kernel.recorded_tables_ = std::make_unique<RecordingMemory>(memory, record->tables, record->failed);
    kernel.recorded_data_ = std::make_unique<RecordingMemory>(memory, record->data, record->failed);
  }
  if (auto done = kernel.choose_vmlinux(inputs, request); !done) return std::move(done).error();
  if (auto done = kernel.choose_arch(); !done) return std::move(done).error();
  if (auto done = kernel.find_symbols(inputs, request); !done) return std::move(done).error();
  if (auto done = kernel.open_memory(); !done) return std::move(done).error().within(kernel.name());
  if (auto done = kernel.check_banner(request); !done) return std::move(done).error();
  if (auto done = kernel.find_types(inputs, request); !done) return std::move(done).error();
  return kernel;
}

void Kernel::take(Dump dump) {
  dump_ = std::move(dump);
  files_.push_back({std::string(dump_.info.format), "dump", dump_.info.format});
}

Result<void> Kernel::open_dump(const InputFiles& inputs) {
  const std::string& path = inputs.dump->path();
  const DumpParts parts = inputs.dump_parts();
  auto dump = inputs.dump_format->open(parts);
  // Where there are several, the errors name them.
  if (!dump && parts.size() > 1) return std::move(dump).error();
  if (!dump) return std::move(dump).error().within(path);
  dump_ = std::move(*dump);
  auto observed = std::make_unique<ObservedMemory>(std::move(dump_.memory));
  observed_ = observed.get();
  dump_.memory = std::move(observed);
  for (const auto& part : parts) files_.push_back({part->name(), "dump", inputs.dump_format->name});
  if (dump_.info.word_bits != 64 && headers_tell_machine() && dumped_arch() == nullptr)
    return not_of_these_words();
  return {};
}

Result<void> Kernel::open_live(bool named) {
  const LiveSystem system;
  files_.push_back({system.kcore, "dump", "proc-kcore"});
  auto dump = open_proc_kcore(system);
  if (!dump && named) return std::move(dump).error().within(name());
  if (!dump) {
    Error error = std::move(dump).error().within("no dump was named, and the running kernel's " + name());
    return error.hint.empty() ? std::move(error).with_hint("name a dump: memsect COMMAND VMCORE [VMLINUX]")
                              : error;
  }
  dump_ = std::move(*dump);
  auto renewed = std::make_unique<RenewedMemory>(std::move(dump_.memory),
                                                 [system]() -> Result<std::unique_ptr<const PhysicalMemory>> {
                                                   auto opened = open_proc_kcore(system);
                                                   if (!opened)
                                                     return std::move(opened).error().within(system.kcore);
                                                   return std::move(opened->memory);
                                                 });
  live_memory_ = renewed.get();
  dump_.memory = std::move(renewed);
  return {};
}

Result<void> Kernel::look_again() const {
  return live_memory_ != nullptr ? live_memory_->renew() : Result<void>();
}

bool Kernel::headers_tell_machine() const {
  return dump_.info.elf_machine != 0 || !dump_.info.utsname_machine.empty();
}

/// The machine by what memory proves, else by the dump's headers; null when they do not tell or name one that is not known.
const ArchDriver* Kernel::dumped_arch() const {
  return proven_arch_ != nullptr ? proven_arch_ : told_arch(dump_.info, vmcoreinfo_);
}

namespace {

/// The images in memory of the vmlinux that was named.
Result<std::vector<FoundImage>> find_images_of(
    const InputFiles& inputs, const InputRequest& request, const PhysicalMemory& memory,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  Notes said_later;
  auto vmlinux = open_vmlinux(inputs.vmlinux, inputs.debug_file, request.search, said_later);
  if (!vmlinux) return std::move(vmlinux).error();
  const ArchDriver* const arch = find_arch(vmlinux->image.machine);
  if (arch == nullptr || !vmlinux->with_symbols)
    return Error{Errc::unsupported, "the vmlinux is of no known machine, or has no symbols", {}};
  auto symbols = open_elf_symtab(vmlinux->with_symbols);
  if (!symbols) return std::move(symbols).error();
  return find_images(memory,
                     {*arch, vmlinux->image.order, vmlinux->image.build_id,
                      [&symbols](std::string_view name) { return (*symbols)->address_of(name); }},
                     progress);
}

}  // namespace

/// The kernel's own note about itself: of the file, else out of memory.
Result<void> Kernel::find_vmcoreinfo(const InputFiles& inputs, const InputRequest& request) {
  if (is_live()) {
    if (dump_.vmcoreinfo.empty())
      return Error{Errc::unsupported, "has no VMCOREINFO note, which it has from Linux 4.19 on", {}};
    auto info = Vmcoreinfo::parse(dump_.vmcoreinfo);
    if (!info) return std::move(info).error();
    vmcoreinfo_ = std::move(*info);
    return {};
  }
  WhichKernel which;
  which.wanted = request.kernel;
  if (request.progress) {
    which.progress = [&request](std::uint64_t done, std::uint64_t total) {
      request.progress("looking for VMCOREINFO in memory", done, total);
    };
  }
  if (inputs.vmlinux) {
    which.find_images = [&] { return find_images_of(inputs, request, *dump_.memory, which.progress); };
  }
  auto chosen = choose_kernel(dump_, which, notes_);
  if (!chosen && chosen.error().code == Errc::not_in_dump && dump_.vmcoreinfo.empty()) {
    return Error{Errc::not_in_dump, "has no VMCOREINFO note; " + chosen.error().message, {}}.with_hint(
        "QEMU writes the note when the guest has -device vmcoreinfo");
  }
  if (!chosen) return std::move(chosen).error();
  vmcoreinfo_ = std::move(chosen->info);
  proven_arch_ = chosen->arch;
  dump_.vmcoreinfo = vmcoreinfo_.text();
  return {};
}

Result<void> Kernel::read_vmcoreinfo(const InputFiles& inputs, const InputRequest& request) {
  notes_.append(dump_.notes);
  if (auto done = find_vmcoreinfo(inputs, request); !done) return std::move(done).error().within(name());
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

/// The vmlinux that was named, or one that is found and belongs to the dump; none otherwise.
Result<void> Kernel::choose_vmlinux(const InputFiles& inputs, const InputRequest& request) {
  std::shared_ptr<const File> file = inputs.vmlinux;
  const bool named = file != nullptr;
  if (!named && request.search) {
    const VmlinuxSearch search = search_vmlinux(is_live() ? "" : name(), build_id_, release_);
    places_ = list_places(search.tried);
    notes_.note("looked for the vmlinux: " + places_);
    file = search.found ? search.found : search.of_other_build;
  }
  if (!file && request.debuginfod) {
    auto fetched = fetch_vmlinux(request);
    if (fetched)
      file = std::move(*fetched);
    else
      notes_.warn(fetched.error().message + ": going on with what the dump has", fetched.error().hint);
  }
  if (!file) return {};
  auto vmlinux = open_vmlinux(file, named ? inputs.debug_file : nullptr, request.search, notes_);
  if (!vmlinux) return std::move(vmlinux).error();
  const std::string& path = file->path();
  const std::string& found_id = vmlinux->image.build_id;
  if (build_id_.empty() || build_id_ == found_id) {
    vmlinux_ = std::move(*vmlinux);
    return {};
  }
  if (is_build_in_memory(*vmlinux)) {
    notes_.note(fmt::format(
        "BUILD-ID in VMCOREINFO ({}) is damaged, as in some point releases: the kernel's own notes "
        "in memory are those of {}",
        build_id_, path));
    build_id_ = found_id;
    vmlinux_ = std::move(*vmlinux);
    return {};
  }
  if (!named) return {};
  const ArchDriver* const dumped = dumped_arch();
  const ArchDriver* const arch = find_arch(vmlinux->image.machine);
  if (arch != nullptr && dumped != nullptr && arch != dumped) {
    return Error{Errc::mismatch,
                 fmt::format("{} is a kernel of {}, the dump of {}", path, arch->name, dumped->name),
                 {}};
  }
  const std::string text =
      fmt::format("{} does not belong to this dump: build ID {}, the dumped kernel has {}", path,
                  found_id.empty() ? "missing" : found_id, build_id_);
  if (!request.force) {
    return Error{Errc::mismatch, text,
                 fmt::format("find the vmlinux of {}; use --force to continue anyway", release_)};
  }
  notes_.warn(text + "; continuing because of --force: the output may be wrong");
  vmlinux_ = std::move(*vmlinux);
  return {};
}

/// The debug information of the build, from the distribution's servers.
Result<std::shared_ptr<const File>> Kernel::fetch_vmlinux(const InputRequest& request) const {
  if (build_id_.empty()) {
    return Error{Errc::unsupported, "--debuginfod needs a build ID, and the dumped kernel tells none", {}};
  }
  auto path = fetch_debuginfo(build_id_, [&request](std::uint64_t done, std::uint64_t total) {
    if (request.progress) request.progress("fetching debug information", done, total);
  });
  if (!path) return std::move(path).error();
  auto file = File::open(*path);
  if (!file) return std::move(file).error().within(*path);
  return file;
}

/// Whether the kernel in memory carries the build ID of `vmlinux` where that says its notes are.
bool Kernel::is_build_in_memory(const Vmlinux& vmlinux) const {
  const ArchDriver* const arch = find_arch(vmlinux.image.machine);
  if (arch == nullptr || vmlinux.image.build_id.empty() || !vmlinux.with_symbols) return false;
  const auto symbols = open_elf_symtab(vmlinux.with_symbols);
  if (!symbols) return false;
  const auto run = vmcoreinfo_.symbol("_stext");
  const auto linked = (*symbols)->address_of("_stext");
  const auto start = (*symbols)->address_of("__start_notes");
  const auto stop = (*symbols)->address_of("__stop_notes");
  const auto image = open_image(*arch, vmlinux.image.order);  // its machine need not be the dump's
  if (!run || !linked || !start || !stop || !image) return false;
  const std::uint64_t shift = *run - *linked;
  const auto found = dumped_build_id(AddressSpace(*dump_.memory, *image->translator), *start + shift,
                                     *stop + shift, vmlinux.image.order);
  return found && *found == vmlinux.image.build_id;
}

/// That the dump is of a machine of 32-bit words which is none of ours.
Error Kernel::not_of_these_words() const {
  const std::string& machine = dump_.info.utsname_machine;
  return {Errc::unsupported,
          fmt::format(
              "{}: is the dump of a machine with {}-bit words{}; memsect reads none but x86 and arm of these",
              name(), dump_.info.word_bits, machine.empty() ? "" : " (" + machine + ")"),
          {}};
}

/// The machine: of the vmlinux, else of the dump's headers, else by what only one machine puts into VMCOREINFO.
Result<void> Kernel::choose_arch() {
  const bool headers_tell = headers_tell_machine();
  const ArchDriver* const dumped = dumped_arch();
  arch_ = dumped;
  if (vmlinux_) {
    const std::string& path = vmlinux_->file->path();
    arch_ = find_arch(vmlinux_->image.machine);
    if (arch_ == nullptr) {
      return Error{
          Errc::unsupported,
          fmt::format("{}: this machine (ELF e_machine {}) is not supported", path, vmlinux_->image.machine),
          {}};
    }
    if (dumped != nullptr && dumped != arch_) {
      return Error{Errc::mismatch,
                   fmt::format("{} is a kernel of {}, the dump of {}", path, arch_->name, dumped->name),
                   {}};
    }
  }
  if (arch_ == nullptr) arch_ = find_arch(vmcoreinfo_);
  if (arch_ == nullptr) {
    const std::string machine =
        !headers_tell ? "the dump does not say of which machine it is"
        : dump_.info.elf_machine != 0
            ? fmt::format("this machine (ELF e_machine {}) is not supported", dump_.info.elf_machine)
            : fmt::format("this machine ({}) is not supported", dump_.info.utsname_machine);
    return Error{Errc::unsupported, fmt::format("{}: {}", name(), machine),
                 headers_tell ? "" : fmt::format("name the vmlinux of {}: it tells the machine", release_)};
  }
  if (dump_.info.word_bits == 32 && arch_->word_size != 4 && proven_arch_ == nullptr)
    return not_of_these_words();
  auto page_shift = find_page_shift(*arch_, vmcoreinfo_);
  if (!page_shift) return std::move(page_shift).error().within(name());
  page_size_ = std::uint64_t{1} << *page_shift;
  choose_order();
  return {};
}

/// The byte order of the memory. That of the dump's headers is the last to be believed: QEMU writes those of ppc64le in
/// the other one.
void Kernel::choose_order() {
  order_ = arch_->order ? *arch_->order : vmlinux_ ? vmlinux_->image.order : dump_.info.order;
  if (arch_->order || vmlinux_) return;
  const auto image = open_image(*arch_, order_);
  if (image) order_ = order_of_memory(AddressSpace(*dump_.memory, *image->translator), vmcoreinfo_, order_);
}

/// Memory as far as VMCOREINFO leads, as a machine `arch` has it.
Result<ArchMemory> Kernel::open_image(const ArchDriver& arch, ByteOrder order) const {
  return arch.open({*dump_.memory, vmcoreinfo_,
                    [this](std::string_view name) { return vmcoreinfo_.symbol(name); }, order});
}

/// The same for reading symbols out of it. Not recorded: an extract takes them as a whole.
Result<AddressSpace> Kernel::image_space() {
  if (!image_) {
    auto image = open_image(*arch_, order_);
    if (!image) return std::move(image).error();
    image_ = std::move(*image);
  }
  return AddressSpace(*dump_.memory, *image_->translator);
}

/// An error of what was to be opened beside the dump: what is not to be had, a vmlinux would have brought along.
Error Kernel::explain(Error error) const {
  if (error.code != Errc::no_symbol && error.code != Errc::no_type) return error;
  if (!vmlinux_) {
    error.message += places_.empty() ? "; no vmlinux was named, and none was looked for"
                                     : fmt::format("; no vmlinux was named, and none was found: {}", places_);
  }
  return std::move(error).within(name());
}

Result<void> Kernel::find_symbols(const InputFiles& inputs, const InputRequest& request) {
  auto opened =
      open_symbols({inputs, request, vmlinux_ ? &*vmlinux_ : nullptr, vmcoreinfo_, is_live() ? "" : name(),
                    order_, arch_->word_size, [this] { return image_space(); }},
                   notes_);
  if (!opened) {
    return explain(std::move(opened).error());
  }
  symbols_ = std::move(opened->symbols);
  symbol_shift_ = opened->shift;
  if (opened->list) files_.push_back({opened->list->path(), "symbols", "text"});
  find_kaslr_offset();
  return {};
}

void Kernel::find_kaslr_offset() {
  kaslr_offset_ = vmcoreinfo_.kernel_offset();
  if (symbols_->origin() == "kallsyms" || !symbols_->address_of("_stext")) return;  // no link addresses
  if (kaslr_offset_ && *kaslr_offset_ != symbol_shift_) {
    notes_.warn(fmt::format("KERNELOFFSET says {:#x}, the place of _stext {:#x}: the latter is used",
                            *kaslr_offset_, symbol_shift_));
  }
  if (vmcoreinfo_.symbol("_stext")) kaslr_offset_ = symbol_shift_;
}

std::optional<VirtAddr> Kernel::address_of(std::string_view name) const {
  const auto listed = symbols_->address_of(name);
  if (!listed) return std::nullopt;
  return *listed + symbol_shift_;
}

std::vector<std::string> Kernel::symbolize(std::span<const VirtAddr> addresses) const {
  const auto text = address_of("_text");
  const auto image_start = text ? text : address_of("_stext");
  auto image_end = address_of("_end");
  if (!image_end) image_end = address_of("_etext");  // functions are all that some kernels list
  std::vector<VirtAddr> listed;                      // where the list of symbols has them
  for (const VirtAddr address : addresses) listed.push_back(address - symbol_shift_);
  const auto symbols = symbols_->code_at(listed);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const VirtAddr address = addresses[i];
    const bool in_image = image_start && image_end && *image_start <= address && address < *image_end;
    texts.push_back(in_image && symbols[i] ? fmt::format("{}+{:#x}", symbols[i]->name, symbols[i]->offset)
                                           : fmt::format("{:#x}", address.raw()));
  }
  return texts;
}

Result<std::vector<VirtRange>> Kernel::kallsyms_tables() const {
  auto kallsyms = open_dumped_kallsyms(AddressSpace(*dump_.memory, *arch_memory_.translator), vmcoreinfo_,
                                       order_, arch_->word_size);
  if (!kallsyms) return std::move(kallsyms).error();
  return (*kallsyms)->tables();
}

Result<void> Kernel::open_memory() {
  const ArchInputs inputs{recorded_tables_ ? *recorded_tables_ : *dump_.memory, vmcoreinfo_,
                          [this](std::string_view name) { return address_of(name); }, order_};
  auto memory = arch_->open(inputs);
  if (!memory) return std::move(memory).error();
  arch_memory_ = std::move(*memory);
  return {};
}

/// Before 5.9 VMCOREINFO has no build ID: the banner must lie where the vmlinux puts it.
Result<void> Kernel::check_banner(const InputRequest& request) {
  if (!vmlinux_ || !build_id_.empty()) return {};
  const std::string& path = vmlinux_->file->path();
  const auto at = address_of("linux_banner");
  const Result<bool> same = at ? banner_names_release(space(), *at, release_)
                               : Error{Errc::no_symbol, "linux_banner is not known", {}};
  if (same && *same) {
    notes_.note("the dumped kernel tells no build ID (5.9+): matched by its banner");
    return {};
  }
  const std::string text =
      same ? fmt::format("{} does not belong to this dump: the banner of {} is not where it puts it", path,
                         release_)
           : fmt::format(
                 "whether {} belongs to this dump cannot be told: no build ID, and the kernel's banner: {}",
                 path, same.error().message);
  if (!request.force) return Error{Errc::mismatch, text, "use --force to continue anyway"};
  notes_.warn(text + "; continuing because of --force: the output may be wrong");
  return {};
}

Result<void> Kernel::find_types(const InputFiles& inputs, const InputRequest& request) {
  // Units are looked up later still: the lookups hold on to the symbols, not to this object, which moves.
  const SymbolSource* const symbols = symbols_.get();
  const auto lookup = [symbols](std::uint64_t shift) {
    return [symbols, shift](std::string_view name) -> std::optional<VirtAddr> {
      const auto listed = symbols->address_of(name);
      if (!listed) return std::nullopt;
      return *listed + shift;
    };
  };
  const TypeInputs from{.files = inputs,
                        .request = request,
                        .vmlinux = vmlinux_ ? &*vmlinux_ : nullptr,
                        .same_build = vmlinux_ && !build_id_.empty() && vmlinux_->image.build_id == build_id_,
                        .vmcoreinfo = vmcoreinfo_,
                        .word_size = arch_->word_size,
                        .order = order_,
                        .link_address = lookup(symbol_shift_ - kaslr_offset_.value_or(0)),
                        .address = lookup(symbol_shift_),
                        .space = AddressSpace(*dump_.memory, *arch_memory_.translator)};
  auto opened = open_types(from, notes_);
  if (!opened) {
    return explain(std::move(opened).error());
  }
  types_ = std::move(opened->types);
  if (vmlinux_) files_.push_back({vmlinux_->file->path(), "vmlinux", "elf"});
  if (opened->file) {
    const bool is_btf = opened->file == inputs.btf;
    files_.push_back({opened->file->path(), is_btf ? "btf" : "vmlinux", is_btf ? "btf" : "elf-debug"});
  }
  return {};
}

}  // namespace memsect
