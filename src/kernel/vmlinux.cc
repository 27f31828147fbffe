#include "kernel/vmlinux.h"

#include <fmt/format.h>

#include "elf/debug_file.h"

namespace memsect {
namespace {

constexpr std::uint16_t elf_type_core = 4;

std::vector<std::string> places_of(const std::string& dump_path, const std::string& build_id,
                                   const std::string& release) {
  std::vector<std::string> places;
  const bool names_a_file = !release.empty() && release.find('/') == std::string::npos;
  if (!dump_path.empty()) {
    const std::string folder = dump_path.substr(0, dump_path.rfind('/') + 1);
    places.push_back(folder + "vmlinux");
    if (names_a_file) places.push_back(folder + "vmlinux-" + release);
  }
  const bool is_build_id =
      build_id.find_first_not_of("0123456789abcdef") == std::string::npos;  // the dump's word
  if (is_build_id && build_id.size() > 2) {
    places.push_back(
        fmt::format("/usr/lib/debug/.build-id/{}/{}.debug", build_id.substr(0, 2), build_id.substr(2)));
  }
  if (!names_a_file) return places;
  for (const char* form : {"/usr/lib/debug/boot/vmlinux-{}", "/usr/lib/debug/lib/modules/{}/vmlinux",
                           "/lib/modules/{}/vmlinux", "/lib/modules/{}/build/vmlinux", "/boot/vmlinux-{}"}) {
    places.push_back(fmt::format(fmt::runtime(form), release));
  }
  return places;
}

}  // namespace

VmlinuxSearch search_vmlinux(const std::string& dump_path, const std::string& build_id,
                             const std::string& release) {
  VmlinuxSearch search;
  std::shared_ptr<const File> stripped;
  for (const std::string& path : places_of(dump_path, build_id, release)) {
    auto& place = search.tried.emplace_back(VmlinuxSearch::Place{path, "not there"});
    auto file = File::open(path);
    if (!file) continue;
    const auto image = read_elf_image(**file);
    place.outcome = "no kernel image";
    if (!image || image->type == elf_type_core) continue;
    if (!build_id.empty() && image->build_id != build_id) {
      place.outcome = "another build";
      const bool named_for_release = path.ends_with(release) || path.find(release + "/") != std::string::npos;
      if (named_for_release && !search.of_other_build) search.of_other_build = *file;
      continue;
    }
    place.outcome = "taken";
    if (!image->has_dwarf) {  // a stripped one will do only where there is no other
      place.outcome = "without debug information";
      if (!stripped) stripped = *file;
      continue;
    }
    search.found = *file;
    break;
  }
  if (!search.found) search.found = std::move(stripped);
  return search;
}

std::string list_places(const std::vector<VmlinuxSearch::Place>& places) {
  std::string text;
  for (const auto& [path, outcome] : places)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", path, outcome);
  return text;
}

Result<Vmlinux> open_vmlinux(std::shared_ptr<const File> file, std::shared_ptr<const File> named, bool search,
                             Notes& notes) {
  auto image = read_elf_image(*file);
  if (!image) return std::move(image).error().within(file->path());
  Vmlinux vmlinux;
  vmlinux.image = std::move(*image);
  vmlinux.debug_file = std::move(named);
  if (!vmlinux.image.has_dwarf && !vmlinux.debug_file && search) {
    DebugFileSearch found = find_debug_file(file, vmlinux.image);
    vmlinux.debug_file = std::move(found.found);
    vmlinux.tried = std::move(found.tried);
    if (vmlinux.debug_file) {
      notes.note(fmt::format("{} has no debug information: taken from {}", file->path(),
                             vmlinux.debug_file->path()));
    }
  }
  vmlinux.with_dwarf = vmlinux.image.has_dwarf ? file : vmlinux.debug_file;
  if (vmlinux.image.has_symtab) {
    vmlinux.with_symbols = file;
  } else if (vmlinux.debug_file) {
    const auto of_debug_file = read_elf_image(*vmlinux.debug_file);
    if (of_debug_file && of_debug_file->has_symtab) vmlinux.with_symbols = vmlinux.debug_file;
  }
  vmlinux.file = std::move(file);
  return vmlinux;
}

}  // namespace memsect
