#include "kernel/symbol_sources.h"

#include <fmt/format.h>

#include <array>

#include "kernel/pairing.h"
#include "symbols/elf_symtab.h"
#include "symbols/find_kallsyms.h"
#include "symbols/kallsyms.h"
#include "symbols/symbol_list.h"

namespace memsect {
namespace {

/// From _stext on; x86's KERNEL_IMAGE_SIZE with KASLR, and more than any other machine has.
constexpr std::uint64_t largest_image = std::uint64_t{1} << 30;

using Symbols = std::unique_ptr<SymbolSource>;

/// How far the addresses of `symbols` are from those of the running kernel.
std::uint64_t shift_of(const SymbolSource& symbols, const Vmcoreinfo& info) {
  const auto run = info.symbol("_stext");
  const auto listed = symbols.address_of("_stext");
  // Both say the same; _stext also serves machines that print no KERNELOFFSET.
  return run && listed ? *run - *listed : info.kernel_offset().value_or(0);
}

Error of_another_build(Error error, const File& file, const Vmcoreinfo& info) {
  return std::move(error)
      .within(file.path() + " is the list of another build")
      .with_hint(fmt::format("name the System.map of {}", info.release()));
}

/// How many symbols the kernel keeps of itself, where its memory tells. A System.map has all of them, and more.
std::optional<std::uint64_t> count_kept_symbols(const SymbolInputs& inputs) {
  const auto at = inputs.vmcoreinfo.symbol("kallsyms_num_syms");  // 6.0+
  if (!at) return std::nullopt;
  const auto image = inputs.image();
  const auto count = image ? image->read_number(*at, 4, inputs.order) : Result<std::uint64_t>(image.error());
  return count ? std::optional(*count) : std::nullopt;
}

/// `mismatch` when the list is not whole: a name that it does not have would be taken for one the kernel does not have.
Result<void> check_whole(const SymbolList& list, const SymbolInputs& inputs) {
  std::string why = list.shortcoming();
  // A list with the name of the count is no copy of kallsyms, which leaves its own tables out.
  if (why.empty() && !list.address_of("kallsyms_num_syms")) {
    const auto count = count_kept_symbols(inputs);
    if (count && list.size() < *count)
      why =
          fmt::format("has {} symbols, and the kernel itself knows {}: it is not whole", list.size(), *count);
  }
  if (why.empty()) return {};
  return Error{Errc::mismatch, why,
               fmt::format("name the whole System.map of {} (nm -n of its vmlinux), or the vmlinux",
                           inputs.vmcoreinfo.release())};
}

Error placeholder(const File& file, const Vmcoreinfo& info) {
  return {Errc::mismatch,
          file.path() +
              ": is a placeholder of one line: Debian keeps the real System.map in the package of the "
              "kernel's debug information",
          fmt::format("install linux-image-{0}-dbg, and name /usr/lib/debug/boot/System.map-{0} or "
                      "/usr/lib/debug/boot/vmlinux-{0}",
                      info.release())};
}

/// Opens a list, `mismatch` when it is another kernel's, or not whole.
Result<OpenedSymbols> open_list(const std::shared_ptr<const File>& file, const SymbolInputs& inputs) {
  const Vmcoreinfo& info = inputs.vmcoreinfo;
  if (is_placeholder_system_map(*file)) return placeholder(*file, info);
  auto symbols = open_symbol_list(*file, inputs.word_size);
  if (!symbols && symbols.error().code == Errc::mismatch)
    return of_another_build(std::move(symbols).error(), *file, info);
  if (!symbols) {
    Error error = std::move(symbols).error().within(file->path());
    error.code = Errc::bad_format;  // no_symbol would mean that nobody knows the kernel's symbols
    return error;
  }
  const std::uint64_t shift = shift_of(**symbols, info);
  auto same = check_symbols(info, **symbols, shift);
  if (same) same = check_shift(info, (*symbols)->is_of_running_kernel(), shift);
  if (!same) return of_another_build(std::move(same).error(), *file, info);
  if (auto whole = check_whole(**symbols, inputs); !whole) {
    Error error = std::move(whole).error();
    error.message = file->path() + " " + error.message;
    return error;
  }
  return OpenedSymbols{std::move(*symbols), file, shift};
}

Result<OpenedSymbols> open_named_list(const SymbolInputs& inputs, Notes& notes) {
  auto opened = open_list(inputs.files.symbols, inputs);
  if (opened || opened.error().code != Errc::mismatch || !inputs.request.force) return opened;
  notes.warn(opened.error().message + "; continuing because of --force: the output may be wrong");
  auto symbols = open_symbol_list(*inputs.files.symbols);
  if (!symbols) return std::move(symbols).error();
  const std::uint64_t shift = shift_of(**symbols, inputs.vmcoreinfo);
  return OpenedSymbols{std::move(*symbols), inputs.files.symbols, shift};
}

/// The System.map of the release where distributions put it, or nothing. Debian has a placeholder in /boot.
std::optional<OpenedSymbols> search_system_map(const SymbolInputs& inputs, std::string& tried) {
  const std::string release = inputs.vmcoreinfo.release();
  if (!inputs.request.search || release.empty() || release.find('/') != std::string::npos)
    return std::nullopt;
  const std::string folder = inputs.dump_path.substr(0, inputs.dump_path.rfind('/') + 1);
  for (const std::string& path :
       {fmt::format("{}System.map-{}", folder, release), "/boot/System.map-" + release,
        "/lib/modules/" + release + "/System.map", "/usr/lib/debug/boot/System.map-" + release}) {
    auto file = File::open(path);
    auto opened = file ? open_list(*file, inputs) : Result<OpenedSymbols>(file.error());
    if (opened) return std::move(*opened);
    tried += fmt::format("{}{}: {}", tried.empty() ? "" : "; ", path,
                         file ? opened.error().message : std::string("not there"));
  }
  return std::nullopt;
}

Result<std::unique_ptr<Kallsyms>> open_dumped_kallsyms(const SymbolInputs& inputs) {
  auto image = inputs.image();
  if (!image) return std::move(image).error();
  return memsect::open_dumped_kallsyms(*image, inputs.vmcoreinfo, inputs.order, inputs.word_size);
}

}  // namespace

Result<std::unique_ptr<Kallsyms>> open_dumped_kallsyms(const AddressSpace& space,
                                                       const Vmcoreinfo& vmcoreinfo, ByteOrder order,
                                                       unsigned word_size) {
  const auto kernel = kallsyms_kernel(vmcoreinfo, order, word_size);
  if (!kernel) return kernel.error();
  auto place = kallsyms_place(vmcoreinfo);
  if (!place && place.error().code == Errc::no_symbol)
    place = find_kallsyms(space, {kernel->stext, largest_image}, *kernel);
  if (!place) return std::move(place).error();
  return open_kallsyms(space, *place, *kernel);
}

Result<OpenedSymbols> open_symbols(const SymbolInputs& inputs, Notes& notes) {
  const auto at_run_time = [&inputs](Symbols symbols) {
    const std::uint64_t shift = shift_of(*symbols, inputs.vmcoreinfo);
    return OpenedSymbols{std::move(symbols), nullptr, shift};
  };
  if (inputs.files.symbols) return open_named_list(inputs, notes);
  std::string tried;
  if (inputs.vmlinux != nullptr) {
    const auto& file = inputs.vmlinux->with_symbols ? inputs.vmlinux->with_symbols : inputs.vmlinux->file;
    auto symbols = open_elf_symtab(file);
    if (symbols) return at_run_time(std::move(*symbols));
    if (symbols.error().code != Errc::no_symbol) return std::move(symbols).error().within(file->path());
    tried = fmt::format("{}: {}", file->path(), symbols.error().message);
  }
  auto dumped = open_dumped_kallsyms(inputs);
  if (dumped && (*dumped)->has_data_symbols()) return at_run_time(std::move(*dumped));
  tried += fmt::format("{}kallsyms in the kernel's memory: {}", tried.empty() ? "" : "; ",
                       dumped ? "functions only (a kernel without KALLSYMS_ALL)" : dumped.error().message);
  if (auto list = search_system_map(inputs, tried)) {
    notes.note(fmt::format("symbols are taken from {}", list->list->path()));
    return std::move(*list);
  }
  const std::string hint = fmt::format(
      "name the System.map of {0} (/boot/System.map-{0} on the machine, or in the kernel's debug package), "
      "or its vmlinux",
      inputs.vmcoreinfo.release());
  if (!dumped)
    return Error{Errc::no_symbol, fmt::format("no symbols found for this kernel: {}", tried), hint};
  notes.warn(fmt::format("where much of the kernel's data lies is not known: {}", tried), hint);
  return at_run_time(std::move(*dumped));
}

}  // namespace memsect
