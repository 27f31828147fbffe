#include "kernel/input_files.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

#include "elf/elf_image.h"

namespace memsect {
namespace {

constexpr std::uint16_t elf_type_core = 4;

struct Magic {
  std::string_view bytes;
  const char* what;
  const char* hint;
};
using namespace std::string_view_literals;
constexpr std::array<Magic, 6> known_magics{
    {{"\xfd"
      "7zXZ"sv,
      "is compressed with xz", "decompress it first: unxz --keep FILE"},
     {"\x28\xb5\x2f\xfd"sv, "is compressed with zstd", "decompress it first: unzstd FILE"},
     {"\x1f\x8b"sv, "is compressed with gzip", "decompress it first: gunzip --keep FILE"},
     {"\x04\x22\x4d\x18"sv, "is compressed with lz4", "decompress it first: unlz4 FILE"},
     {"BZh"sv, "is compressed with bzip2", "decompress it first: bunzip2 --keep FILE"},
     {"\x9f\xeb\x01"sv, "holds BTF, and types from BTF alone are not read yet",
      "name the kernel's vmlinux with DWARF"}}};

Result<std::shared_ptr<const File>> open_named(const std::string& path) {
  auto file = File::open(path);
  if (!file) return std::move(file).error().within(path);
  return file;
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
  std::array<std::byte, 8> head{};
  const std::size_t size = std::min<std::uint64_t>(head.size(), file.size());
  if (size == 0) return Error{Errc::bad_format, file.path() + ": is empty", {}};
  if (auto done = file.read(0, std::span(head).first(size)); !done)
    return std::move(done).error().within(file.path());
  const std::string_view text(reinterpret_cast<const char*>(head.data()), size);
  for (const Magic& magic : known_magics) {
    if (text.starts_with(magic.bytes))
      return {Errc::unsupported, file.path() + ": " + magic.what, magic.hint};
  }
  if (is_boot_image(file)) {
    return {Errc::unsupported,
            file.path() + ": is a kernel made to be booted (bzImage), without symbols and types",
            "name the vmlinux of its debug package"};
  }
  return {Errc::bad_format,
          file.path() + ": is of no known kind: neither a dump (ELF core, kdump-compressed) nor a vmlinux",
          "memsect reads crash dumps (vmcore) and the vmlinux of their kernel"};
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

Result<void> take_vmlinux(InputFiles& inputs, std::shared_ptr<const File> file) {
  if (inputs.vmlinux) {
    if (!inputs.debug_file && take_debug_file(inputs, file)) return {};
    return Error{Errc::usage,
                 fmt::format("{} and {} are both kernel images", inputs.vmlinux->path(), file->path()),
                 "name one of them"};
  }
  inputs.vmlinux = std::move(file);
  return {};
}

Result<void> classify(InputFiles& inputs, const std::string& path) {
  auto file = open_named(path);
  if (!file) return std::move(file).error();
  auto format = sniff_format(**file);
  if (!format) return std::move(format).error().within(path);
  if (*format != nullptr) return take_dump(inputs, *file, *format);
  const auto image = read_elf_image(**file);
  if (image && image->type != elf_type_core) return take_vmlinux(inputs, *file);
  if (!image && image.error().code == Errc::truncated) return Error(image.error()).within(path);
  return unknown_kind(**file);
}

Result<void> classify_core(InputFiles& inputs, const std::string& path) {
  auto file = open_named(path);
  if (!file) return std::move(file).error();
  auto format = sniff_format(**file);
  if (!format) return std::move(format).error().within(path);
  if (*format == nullptr) {
    if (!read_elf_image(**file)) return unknown_kind(**file);
    return Error{Errc::bad_format, path + ": is no dump but an ELF image",
                 "-s names the vmlinux, -c the dump"};
  }
  return take_dump(inputs, *file, *format);
}

Result<void> classify_vmlinux(InputFiles& inputs, const std::string& path) {
  auto file = open_named(path);
  if (!file) return std::move(file).error();
  const auto format = sniff_format(**file);
  const auto image = read_elf_image(**file);
  if ((format && *format != nullptr) || (image && image->type == elf_type_core)) {
    return Error{Errc::bad_format, path + ": is no vmlinux but a dump", "-s names the vmlinux, -c the dump"};
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
    if (auto done = classify_core(inputs, request.core); !done) return std::move(done).error();
  }
  if (!request.vmlinux.empty()) {
    if (auto done = classify_vmlinux(inputs, request.vmlinux); !done) return std::move(done).error();
  }
  for (const std::string& path : request.files) {
    if (auto done = classify(inputs, path); !done) return std::move(done).error();
  }
  return inputs;
}

VmlinuxSearch search_vmlinux(const std::string& dump_path, const std::string& build_id,
                             const std::string& release) {
  VmlinuxSearch search;
  const std::string folder = dump_path.substr(0, dump_path.rfind('/') + 1);
  const bool names_a_file = !release.empty() && release.find('/') == std::string::npos;
  search.tried = {folder + "vmlinux"};
  if (names_a_file) search.tried.push_back(folder + "vmlinux-" + release);
  const bool is_build_id =
      build_id.find_first_not_of("0123456789abcdef") == std::string::npos;  // the dump's word
  if (is_build_id && build_id.size() > 2) {
    search.tried.push_back(
        fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", build_id.substr(0, 2), build_id.substr(2)));
  }
  if (names_a_file) {
    for (const char* form :
         {"/usr/lib/debug/boot/vmlinux-{}", "/usr/lib/debug/lib/modules/{}/vmlinux",
          "/lib/modules/{}/vmlinux", "/lib/modules/{}/build/vmlinux", "/boot/vmlinux-{}"}) {
      search.tried.push_back(fmt::format(fmt::runtime(form), release));
    }
  }
  std::shared_ptr<const File> stripped;
  for (const std::string& path : search.tried) {
    auto file = File::open(path);
    if (!file) continue;
    const auto image = read_elf_image(**file);
    if (!image || image->type == elf_type_core) continue;
    if (!build_id.empty() && image->build_id != build_id) continue;
    if (!image->has_dwarf) {  // a stripped one will do only where there is no other
      if (!stripped) stripped = *file;
      continue;
    }
    search.found = *file;
    break;
  }
  if (!search.found) search.found = std::move(stripped);
  return search;
}

}  // namespace memsect
