#include "kernel/image_search.h"

#include <fmt/format.h>

#include <algorithm>

#include "memory/address_space.h"
#include "memory/elf_notes.h"

namespace memsect {
namespace {

constexpr std::size_t field_width = 65;
constexpr std::uint64_t image_start = 0xffffffff80000000;  // x86-64's __START_KERNEL_map
constexpr std::uint64_t image_alignment = std::uint64_t{2} << 20;

/// Calls `take` with the addresses in `range` at which `linked` can lie, as an image moves by multiples of `step`, until it
/// says false. Leaps over holes.
template <class Take>
void for_each_place(const PhysicalMemory& memory, PhysRange range, VirtAddr linked, std::uint64_t step,
                    const Take& take) {
  const std::uint64_t first = range.start.raw() / step * step + linked.raw() % step;
  for (PhysAddr at(first < range.start.raw() ? first + step : first); range.contains(at);) {
    const PhysAddr data = memory.next_data(at);
    if (!range.contains(data)) return;
    if (data - at >= step) {  // over a hole, to the last place before its end
      at += (data - at) / step * step;
      continue;
    }
    if (!take(at)) return;
    at += step;
  }
}

/// Whether `base` is right: the kernel's name is there, and the variable, where its address is known, has the value.
bool is_phys_base(const PhysicalMemory& memory, const Vmcoreinfo& info, VirtAddr uts, std::uint64_t base) {
  const auto phys = [base](VirtAddr at) { return PhysAddr(at.raw() - image_start + base); };
  std::string bytes(uts_namespace_size, '\0');
  if (!memory.read(phys(uts), std::as_writable_bytes(std::span(bytes)))) return false;
  if (!find_utsname(bytes, info.release())) return false;
  const auto variable = info.symbol("phys_base");
  if (!variable) return true;
  const auto value = read_number(memory, phys(*variable), 8, ByteOrder::little);
  return value && *value == base;
}

}  // namespace

std::optional<Utsname> find_utsname(std::string_view bytes, const std::string& release) {
  if (release.empty() || release.size() >= field_width) return std::nullopt;
  const std::size_t at = bytes.find(release + '\0');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view machine = bytes.substr(std::min(bytes.size(), at + 2 * field_width), field_width);
  return Utsname{std::string(machine.substr(0, machine.find('\0')))};
}

bool is_machine(const ArchDriver& arch, std::string_view name) {
  if (arch.elf_machine == i386.elf_machine)
    return name.size() == 4 && name.front() == 'i' && name.substr(2) == "86";
  if (arch.elf_machine == arm.elf_machine) return name.starts_with("arm");
  if (arch.elf_machine == ppc64.elf_machine) return name == "ppc64" || name == "ppc64le";
  return find_arch(name) == &arch;
}

std::optional<std::uint64_t> find_phys_base(const PhysicalMemory& memory, const Vmcoreinfo& info,
                                            const std::vector<std::uint64_t>& told) {
  const auto uts = info.symbol("init_uts_ns");
  if (!uts || uts->raw() < image_start) return std::nullopt;
  for (const std::uint64_t base : told) {
    if (is_phys_base(memory, info, *uts, base)) return base;
  }
  const auto ranges = memory.ranges();
  std::optional<std::uint64_t> found;
  for (std::size_t i = 0; ranges && i < ranges->size() && !found; ++i) {
    for_each_place(memory, (*ranges)[i], *uts, image_alignment, [&](PhysAddr at) {
      const std::uint64_t base = at.raw() - (uts->raw() - image_start);
      if (is_phys_base(memory, info, *uts, base)) found = base;
      return !found;
    });
  }
  return found;
}

namespace {

constexpr std::string_view banner_start = "Linux version ";
constexpr std::size_t longest_release = 65;
constexpr std::uint64_t largest_notes = 64 << 10;
constexpr std::size_t most_images = 16;
constexpr std::uint64_t steps_between_reports = 4096;

/// The images of machines begin at multiples of this, in memory and where they are linked.
std::uint64_t alignment_of(const ArchDriver& arch) {
  if (arch.elf_machine == x86_64.elf_machine)
    return image_alignment;  // CONFIG_PHYSICAL_ALIGN is 2 MiB at least
  return arch.elf_machine == s390x.elf_machine ? 4096 : std::uint64_t{64} << 10;
}

/// The release in the banner at `at`, empty when there is none.
std::string release_at(const PhysicalMemory& memory, PhysAddr at) {
  std::string text(banner_start.size() + longest_release, '\0');
  if (!memory.read(at, std::as_writable_bytes(std::span(text))) || !text.starts_with(banner_start)) return {};
  text.erase(0, banner_start.size());
  const std::size_t end = text.find(' ');
  return end == std::string::npos ? std::string() : text.substr(0, end);
}

/// Whether the notes of the image whose `linked` lies at `phys` have the build ID.
bool has_build_id(const PhysicalMemory& memory, const LinkedKernel& kernel, VirtAddr linked, PhysAddr phys) {
  const auto start = kernel.symbol("__start_notes");
  const auto stop = kernel.symbol("__stop_notes");
  if (kernel.build_id.empty() || !start || !stop) return kernel.build_id.empty();
  if (*stop < *start || *stop - *start > largest_notes) return false;
  std::vector<std::byte> bytes(*stop - *start);
  const PhysAddr at(phys.raw() + (start->raw() - linked.raw()));
  return memory.read(at, bytes) && gnu_build_id(parse_elf_notes(bytes, kernel.order)) == kernel.build_id;
}

/// Of a machine that does not say how it places its image: the addresses it is linked to, if they lead there.
Result<ImageFacts> as_linked(const ArchInputs& inputs, const ArchDriver& arch, VirtAddr linked,
                             PhysAddr phys) {
  auto memory = arch.open(inputs);
  if (!memory) return std::move(memory).error();
  const auto place = memory->translator->mapping_at(linked);
  if (place && place->phys == phys) return ImageFacts{};
  return Error{
      Errc::unsupported, "where this machine's kernels are moved to is told by VMCOREINFO alone", {}};
}

/// The text of VMCOREINFO by the variable that points to it (4.13+), empty when it is not there.
std::string text_by_pointer(const PhysicalMemory& memory, const LinkedKernel& kernel, const Vmcoreinfo& info,
                            std::uint64_t shift) {
  constexpr std::size_t largest_text = 4096;
  const auto pointer = kernel.symbol("vmcoreinfo_data");
  const auto image = kernel.arch.open({memory, info,
                                       [&](std::string_view name) -> std::optional<VirtAddr> {
                                         const auto linked = kernel.symbol(name);
                                         return linked ? std::optional(*linked + shift) : std::nullopt;
                                       },
                                       kernel.order});
  if (!pointer || !image) return {};
  const AddressSpace space(memory, *image->translator);
  const auto place = space.read_number(*pointer + shift, kernel.arch.word_size, kernel.order);
  if (!place) return {};
  std::string text(largest_text, '\0');
  if (!space.read(VirtAddr(*place), std::as_writable_bytes(std::span(text)))) return {};
  text.erase(std::min(text.size(), text.find('\0')));
  const auto told = Vmcoreinfo::parse(text);
  const bool same =
      told && told->symbol("_stext") == info.symbol("_stext") && told->release() == info.release();
  return same ? text : std::string();
}

Result<FoundImage> describe(const PhysicalMemory& memory, const LinkedKernel& kernel, VirtAddr linked,
                            PhysAddr phys, const std::string& release) {
  const Vmcoreinfo nothing;
  const ArchInputs inputs{memory, nothing, kernel.symbol, kernel.order};
  auto facts = kernel.arch.describe_image != nullptr ? kernel.arch.describe_image(inputs, linked, phys)
                                                     : as_linked(inputs, kernel.arch, linked, phys);
  if (!facts) return std::move(facts).error();
  FoundImage found;
  found.at = phys;
  found.text =
      fmt::format("OSRELEASE={}\n{}{}", release,
                  kernel.build_id.empty() ? "" : fmt::format("BUILD-ID={}\n", kernel.build_id), facts->lines);
  for (const std::string_view name :
       {"_stext", "init_uts_ns", "init_top_pgt", "init_level4_pgt", "swapper_pg_dir"}) {
    if (const auto at = kernel.symbol(name))
      found.text += fmt::format("SYMBOL({})={:x}\n", name, (*at + facts->shift).raw());
  }
  const auto info = Vmcoreinfo::parse(found.text);
  if (!info) return info.error();
  std::string own = text_by_pointer(memory, kernel, *info, facts->shift);
  if (!own.empty()) found.text = std::move(own);
  return found;
}

}  // namespace

Result<std::vector<FoundImage>> find_images(
    const PhysicalMemory& memory, const LinkedKernel& kernel,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  const auto banner = kernel.symbol("linux_banner");
  if (!banner) return Error{Errc::no_symbol, "the vmlinux does not know linux_banner", {}};
  auto ranges = memory.ranges();
  if (!ranges) return std::move(ranges).error();
  std::uint64_t total = 0, done = 0, steps = 0;
  for (const PhysRange& range : *ranges) total += range.size;
  std::vector<FoundImage> found;
  std::optional<Error> problem;
  for (const PhysRange& range : *ranges) {
    for_each_place(memory, range, *banner, alignment_of(kernel.arch), [&](PhysAddr at) {
      if (progress && steps++ % steps_between_reports == 0) progress(done + (at - range.start), total);
      const std::string release = release_at(memory, at);
      if (release.empty() || !has_build_id(memory, kernel, *banner, at)) return true;
      auto image = describe(memory, kernel, *banner, at, release);
      if (image)
        found.push_back(*std::move(image));
      else
        problem = std::move(image).error();
      return found.size() < most_images;
    });
    done += range.size;
  }
  if (!found.empty()) return found;
  if (problem) return *std::move(problem);
  return Error{Errc::not_in_dump, "no image of the kernel of this vmlinux", {}};
}

}  // namespace memsect
