#include "kernel/input_files.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "elf/elf_image.h"
#include "formats/known_containers.h"
#include "formats/packing.h"
#include "formats/proc_kcore.h"
#include "formats/raw_memory.h"
#include "symbols/symbol_list.h"

namespace memsect {
namespace {

constexpr std::uint16_t elf_type_core = 4;

using namespace std::string_view_literals;

std::string head_of(const File& file);

std::optional<Packing> packing_of_file(const File& file) {
  const std::string head = head_of(file);
  return packing_of(std::as_bytes(std::span(head)));
}

/// The file unpacked, or as it is where it is not compressed. Once packed twice is somebody's mistake; more is no file of
/// ours.
Result<std::shared_ptr<const File>> unpack(std::shared_ptr<const File> file, const InputRequest& request) {
  constexpr unsigned most_layers = 2;
  for (unsigned layer = 0;; ++layer) {
    const auto packing = packing_of_file(*file);
    if (!packing) return file;
    const std::string text = fmt::format("{}: is compressed with {}", file->path(), packing_name(*packing));
    const std::string by_hand = fmt::format("decompress it first: {}", unpack_command(*packing));
    if (!request.unpack) return Error{Errc::unsupported, text, by_hand + ", or leave out --no-unpack"};
    if (layer == most_layers) return Error{Errc::unsupported, text + ", for the third time", by_hand};
    UnpackRequest how{request.unpack_limit, {}};
    if (request.progress) {
      how.progress = [&request, what = "unpacking " + file->path()](std::uint64_t done, std::uint64_t total) {
        request.progress(what, done, total);
      };
    }
    auto unpacked = unpack_file(*file, *packing, how);
    if (!unpacked) return std::move(unpacked).error().within(file->path());
    file = std::move(*unpacked);
  }
}

Result<std::shared_ptr<const File>> open_named(const std::string& path, const InputRequest& request) {
  auto file = File::open(path);
  if (!file) return std::move(file).error().within(path);
  return unpack(std::move(*file), request);
}

Result<void> take_dump(InputFiles& inputs, std::shared_ptr<const File> file, const FormatDriver* format) {
  if (!inputs.dump) {
    inputs.dump = std::move(file);
    inputs.dump_format = format;
    return {};
  }
  // Whether two of a format are parts of one dump is for the format to say.
  inputs.more_parts.push_back(std::move(file));
  if (inputs.dump_format == format) return {};
  return refuse_parts({inputs.dump, inputs.more_parts.back()});
}

/// A file of raw memory, which goes on being called by the name that says where it belongs.
Result<void> take_raw(InputFiles& inputs, const std::string& name, const InputRequest& request) {
  const auto raw = parse_raw_name(name);
  if (!raw) return raw.error();
  auto file = open_named(raw->path, request);
  if (!file) return std::move(file).error();
  const int descriptor = ::fcntl((*file)->descriptor(), F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) return Error{Errc::io, name + ": no more files can be opened", {}};
  for (const FormatDriver* driver : format_drivers()) {
    if (driver->name == "raw")
      return take_dump(inputs, File::adopt(name, descriptor, (*file)->size(), *(*file)->remarks()), driver);
  }
  return Error{Errc::unsupported, name + ": this build reads no raw memory", {}};
}

/// Of a dump the beginning is worth something; a kernel image or a list that ends early would be believed to be whole.
Result<void> refuse_cut(const File& file) {
  for (const Note& remark : file.remarks()->all()) {
    if (remark.severity == Severity::warning)
      return Error{Errc::truncated, file.path() + ": the compressed file is cut off", "copy it again"};
  }
  return {};
}

/// x86's vmlinuz (Documentation/arch/x86/boot.rst): "HdrS" in the setup header.
bool is_boot_image(const File& file) {
  constexpr std::uint64_t header_at = 0x202;
  constexpr std::string_view signature = "HdrS";
  std::array<std::byte, signature.size()> bytes{};
  return file.read(header_at, bytes) && std::memcmp(bytes.data(), signature.data(), bytes.size()) == 0;
}

/// Says what a file is that is neither a dump nor a vmlinux.
Error unknown_kind(const File& file) {
  if (file.size() == 0)
    return Error{
        Errc::bad_format, file.path() + ": is empty",
        "the dump was never written: look for messages of kdump (disk full?), and for other dumps beside it"};
  std::array<std::byte, 1> first{};
  if (auto done = file.read(0, first); !done) return std::move(done).error().within(file.path());
  const std::string head = head_of(file);
  if (const KnownContainer* const known = known_container(std::as_bytes(std::span(head)))) {
    return {Errc::unsupported, fmt::format("{}: {}", file.path(), known->what), std::string(known->hint)};
  }
  if (is_boot_image(file)) {
    return {Errc::unsupported,
            file.path() + ": is a kernel made to be booted (bzImage), without symbols and types",
            "name the vmlinux of its debug package"};
  }
  return {
      Errc::bad_format,
      file.path() +
          ": is not a recognised file: expected a dump (ELF core, kdump-compressed), a vmlinux, System.map "
          "or BTF",
      "memsect reads crash dumps (vmcore) and the vmlinux of their kernel"};
}

/// Of two images of one build, of which one alone has debug information, that one is the debug file of the
/// other.
bool take_debug_file(InputFiles& inputs, const std::shared_ptr<const File>& file) {
  const auto one = read_elf_image(*inputs.vmlinux);
  const auto other = read_elf_image(*file);
  if (!one || !other || one->build_id.empty() || one->build_id != other->build_id) return false;
  if (one->has_dwarf == other->has_dwarf) return false;
  inputs.debug_file = one->has_dwarf ? std::exchange(inputs.vmlinux, file) : file;
  return true;
}

/// One kernel image too many: of another build, or once more of the same.
Error two_images(const File& first, const File& second) {
  const auto one = read_elf_image(first);
  const auto other = read_elf_image(second);
  if (one && other && !one->build_id.empty() && !other->build_id.empty() &&
      one->build_id != other->build_id) {
    return {Errc::mismatch,
            fmt::format("{} and {} are kernel images of different builds ({} and {})", first.path(),
                        second.path(), one->build_id, other->build_id),
            "name the one of the dumped kernel"};
  }
  return {Errc::usage, fmt::format("{} and {} are both kernel images", first.path(), second.path()),
          "name one of them"};
}

Result<void> take_vmlinux(InputFiles& inputs, std::shared_ptr<const File> file) {
  if (inputs.vmlinux) {
    if (!inputs.debug_file && take_debug_file(inputs, file)) return {};
    return two_images(*inputs.vmlinux, *file);
  }
  inputs.vmlinux = std::move(file);
  return {};
}

constexpr std::array<std::string_view, 2> btf_magics{"\x9f\xeb\x01"sv,
                                                     "\xeb\x9f\x01"sv};  // of either byte order

/// The first bytes, fewer where the file is shorter; empty when they cannot be read.
std::string head_of(const File& file) {
  std::string head(std::min<std::uint64_t>(sniff_size, file.size()), '\0');
  if (!file.read(0, std::as_writable_bytes(std::span(head)))) head.clear();
  return head;
}

bool is_btf(std::string_view head) {
  return std::any_of(btf_magics.begin(), btf_magics.end(),
                     [head](std::string_view magic) { return head.starts_with(magic); });
}

/// Puts `file` into its place among the inputs, where there is room for one.
Result<void> take_one(std::shared_ptr<const File>& place, std::shared_ptr<const File> file,
                      std::string_view what) {
  if (place) {
    return Error{Errc::usage, fmt::format("{} and {} are both {}", place->path(), file->path(), what),
                 "name one of them"};
  }
  place = std::move(file);
  return {};
}

Result<void> classify(InputFiles& inputs, const std::string& path, const InputRequest& request) {
  if (is_raw_name(path)) return take_raw(inputs, path, request);
  if (is_proc_kcore(path)) {
    inputs.live = true;
    return {};
  }
  auto file = open_named(path, request);
  if (!file) return std::move(file).error();
  auto format = sniff_format(**file);
  if (!format) return std::move(format).error().within(path);
  if (*format != nullptr) return take_dump(inputs, *file, *format);
  if (auto whole = refuse_cut(**file); !whole) return whole;
  const auto image = read_elf_image(**file);
  if (image && image->type != elf_type_core) return take_vmlinux(inputs, *file);
  if (!image && image.error().code == Errc::truncated) return Error(image.error()).within(path);
  const std::string head = head_of(**file);
  if (is_btf(head)) return take_one(inputs.btf, *file, "BTF");
  if (looks_like_symbol_list(**file)) return take_one(inputs.symbols, *file, "symbol lists");
  return unknown_kind(**file);
}

/// A file that was named for its part, and is of that kind or refused.
Result<void> classify_symbols(InputFiles& inputs, const std::string& path, const InputRequest& request) {
  auto file = open_named(path, request);
  if (!file) return std::move(file).error();
  if (auto whole = refuse_cut(**file); !whole) return whole;
  if (looks_like_symbol_list(**file)) return take_one(inputs.symbols, *file, "symbol lists");
  return Error{Errc::bad_format, path + ": is no list of symbols",
               "--symbols names a System.map or a saved /proc/kallsyms"};
}

Result<void> classify_btf(InputFiles& inputs, const std::string& path, const InputRequest& request) {
  auto file = open_named(path, request);
  if (!file) return std::move(file).error();
  if (auto whole = refuse_cut(**file); !whole) return whole;
  if (is_btf(head_of(**file))) return take_one(inputs.btf, *file, "BTF");
  return Error{Errc::bad_format, path + ": is no BTF", "--btf names a copy of /sys/kernel/btf/vmlinux"};
}

Result<void> classify_core(InputFiles& inputs, const std::string& path, const InputRequest& request) {
  if (is_raw_name(path)) return take_raw(inputs, path, request);
  if (is_proc_kcore(path)) {
    inputs.live = true;
    return {};
  }
  auto file = open_named(path, request);
  if (!file) return std::move(file).error();
  auto format = sniff_format(**file);
  if (!format) return std::move(format).error().within(path);
  if (*format == nullptr) {
    if (!read_elf_image(**file)) return unknown_kind(**file);
    return Error{Errc::bad_format, path + ": is an ELF image, not a dump",
                 "-s names the vmlinux, -c the dump"};
  }
  return take_dump(inputs, *file, *format);
}

Result<void> classify_vmlinux(InputFiles& inputs, const std::string& path, const InputRequest& request) {
  auto file = open_named(path, request);
  if (!file) return std::move(file).error();
  if (auto whole = refuse_cut(**file); !whole) return whole;
  const auto format = sniff_format(**file);
  const auto image = read_elf_image(**file);
  if ((format && *format != nullptr) || (image && image->type == elf_type_core)) {
    return Error{Errc::bad_format, path + ": is a dump, not a vmlinux", "-s names the vmlinux, -c the dump"};
  }
  if (!image && image.error().code == Errc::truncated) return Error(image.error()).within(path);
  if (!image) return unknown_kind(**file);
  return take_vmlinux(inputs, *file);
}

}  // namespace

DumpParts InputFiles::dump_parts() const {
  DumpParts parts;
  if (dump) parts.push_back(dump);
  parts.insert(parts.end(), more_parts.begin(), more_parts.end());
  return parts;
}

Result<InputFiles> open_input_files(const InputRequest& request) {
  InputFiles inputs;
  if (!request.core.empty()) {
    if (auto done = classify_core(inputs, request.core, request); !done) return std::move(done).error();
  }
  if (!request.vmlinux.empty()) {
    if (auto done = classify_vmlinux(inputs, request.vmlinux, request); !done) return std::move(done).error();
  }
  if (!request.symbols.empty()) {
    if (auto done = classify_symbols(inputs, request.symbols, request); !done) return std::move(done).error();
  }
  if (!request.btf.empty()) {
    if (auto done = classify_btf(inputs, request.btf, request); !done) return std::move(done).error();
  }
  for (const std::string& path : request.files) {
    if (auto done = classify(inputs, path, request); !done) return std::move(done).error();
  }
  if (inputs.live && inputs.dump) {
    return Error{Errc::usage, fmt::format("/proc/kcore and {} are both dumps", inputs.dump->path()),
                 "name one of them"};
  }
  return inputs;
}

}  // namespace memsect
