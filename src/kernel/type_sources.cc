#include "kernel/type_sources.h"

#include <fmt/format.h>

#include "base/large_buffer.h"
#include "kernel/pairing.h"
#include "types/btf.h"
#include "types/dwarf.h"
#include "types/type_chain.h"
#include "types/vmcoreinfo_types.h"

namespace memsect {
namespace {

/// Distributions' kernels have 3 to 8 MB.
constexpr std::uint64_t largest_btf = std::uint64_t{64} << 20;

using Types = std::unique_ptr<TypeSource>;

Result<Types> read_btf_file(const File& file, unsigned word_size) {
  if (file.size() > largest_btf) return Error{Errc::corrupt, "is too large for BTF", {}};
  const LargeBuffer bytes(file.size());
  if (auto done = file.read(0, bytes.span()); !done) return std::move(done).error();
  return parse_btf(bytes.span(), word_size);
}

/// BTF out of memory: section .BTF of the image, between two symbols of the linker script (include/asm-generic/
/// vmlinux.lds.h, 5.2+).
Result<Types> read_dumped_btf(const TypeInputs& inputs) {
  const auto start = inputs.address("__start_BTF");
  const auto stop = inputs.address("__stop_BTF");
  if (!start || !stop) {
    return Error{Errc::no_symbol, "where it lies is not known: no symbols __start_BTF and __stop_BTF", {}};
  }
  if (*stop <= *start || *stop - *start > largest_btf) {
    return Error{Errc::corrupt, fmt::format("it reaches from {:#x} to {:#x}", start->raw(), stop->raw()), {}};
  }
  const LargeBuffer bytes(*stop - *start);
  if (auto done = inputs.space.read(*start, bytes.span()); !done) return std::move(done).error();
  auto types = parse_btf(bytes.span(), inputs.word_size);
  if (!types) return types;
  if (auto same = check_types(inputs.vmcoreinfo, **types); !same) return std::move(same).error();
  return types;
}

/// Goes on with types of another kernel only where the user insists.
Result<void> check_identity(const TypeInputs& inputs, const TypeSource& types, const std::string& path,
                            std::string_view what, Notes& notes) {
  auto same = check_types(inputs.vmcoreinfo, types);
  if (same) return {};
  Error error = std::move(same).error().within(path + " does not belong to this kernel");
  if (!inputs.request.force)
    return std::move(error).with_hint(
        fmt::format("name the {} of this kernel; use --force to continue anyway", what));
  notes.warn(error.message + "; continuing because of --force: the output may be wrong");
  return {};
}

Result<OpenedTypes> open_btf_types(const TypeInputs& inputs, std::string& tried, Notes& notes) {
  const auto note_failure = [&tried](std::string_view where, const Error& error) {
    tried += fmt::format("{}{}: {}", tried.empty() ? "" : "; ", where, error.message);
  };
  if (const auto& file = inputs.files.btf) {
    auto types = read_btf_file(*file, inputs.word_size);
    if (!types) return std::move(types).error().within(file->path());
    if (auto same = check_identity(inputs, **types, file->path(), "BTF", notes); !same)
      return std::move(same).error();
    return OpenedTypes{std::move(*types), file};
  }
  if (inputs.vmlinux != nullptr) {
    auto types = open_btf(inputs.vmlinux->file);
    if (types) return OpenedTypes{std::move(*types), nullptr};
    note_failure(inputs.vmlinux->file->path() + " (.BTF)", types.error());
  }
  auto types = read_dumped_btf(inputs);
  if (types) return OpenedTypes{std::move(*types), nullptr};
  note_failure("BTF in the kernel's memory", types.error());
  return Error{Errc::no_type, tried, {}};
}

/// DWARF of the vmlinux, found to be readable where it matters.
Result<Types> open_dwarf_types(const TypeInputs& inputs, Notes& notes) {
  const auto& file = inputs.vmlinux->with_dwarf;
  auto dwarf = open_dwarf_sources(file, inputs.link_address);
  if (!dwarf) return std::move(dwarf).error().within(file->path());
  // What it refers to may be missing: files that dwz or -gsplit-dwarf made. Every command asks for these.
  for (const char* type : {"page", "pglist_data"}) {
    const auto layout = dwarf->nearby->find_struct(type);
    if (!layout && layout.error().code != Errc::no_type) return Error(layout.error()).within(file->path());
  }
  // Cut-down and link-time optimised images lack types in these units that .BTF still has.
  std::vector<OpenTypes> others;
  others.push_back([vmlinux = inputs.vmlinux->file] { return open_btf_sparingly(vmlinux); });
  others.push_back(opens(std::move(dwarf->everywhere)));
  auto types = make_type_chain(std::move(dwarf->nearby), std::move(others));
  if (inputs.same_build) return types;
  if (auto same = check_identity(inputs, *types, file->path(), "vmlinux", notes); !same)
    return std::move(same).error();
  return types;
}

Error nothing_found(const TypeInputs& inputs, const std::string& tried) {
  return {Errc::no_type, fmt::format("no types found for this kernel: {}", tried),
          fmt::format(
              "install the kernel's debug package (Debian: linux-image-{0}-dbg, Fedora: kernel-debuginfo) or "
              "name its vmlinux, or the BTF of the same kernel where it runs (/sys/kernel/btf/vmlinux)",
              inputs.vmcoreinfo.release())};
}

}  // namespace

Result<OpenedTypes> open_types(const TypeInputs& inputs, Notes& notes) {
  const TypesWanted wanted = inputs.request.types;
  if (wanted == TypesWanted::vmcoreinfo)
    return OpenedTypes{make_vmcoreinfo_types(inputs.vmcoreinfo, inputs.word_size, inputs.order), nullptr};
  const bool has_dwarf = inputs.vmlinux != nullptr && inputs.vmlinux->with_dwarf;
  std::string tried;
  if (has_dwarf && wanted != TypesWanted::btf) {
    const auto& file = inputs.vmlinux->with_dwarf;
    auto types = open_dwarf_types(inputs, notes);
    if (types) return OpenedTypes{std::move(*types), file != inputs.vmlinux->file ? file : nullptr};
    if (wanted == TypesWanted::dwarf || types.error().code == Errc::mismatch) return std::move(types).error();
    std::string ignored;
    auto lesser = open_btf_types(inputs, ignored, notes);
    if (!lesser) return std::move(types).error();
    notes.warn(fmt::format("the debug information cannot be read, types are taken from BTF instead: {}",
                           types.error().message),
               types.error().hint);
    return lesser;
  }
  if (inputs.vmlinux != nullptr && !has_dwarf) {
    tried = inputs.vmlinux->file->path() + ": has no debug information (.debug_info)";
    std::string places;
    for (const std::string& place : inputs.vmlinux->tried) places += (places.empty() ? "" : ", ") + place;
    if (!places.empty()) tried += fmt::format(", and its debug file is not at hand (looked at {})", places);
  }
  if (wanted == TypesWanted::dwarf) {
    return nothing_found(inputs, tried.empty() ? "--types dwarf needs a vmlinux, and there is none" : tried);
  }
  auto types = open_btf_types(inputs, tried, notes);
  if (!types && types.error().code == Errc::no_type) return nothing_found(inputs, types.error().message);
  return types;
}

}  // namespace memsect
