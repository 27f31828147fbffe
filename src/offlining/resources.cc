// struct resource (include/linux/ioport.h): start, end (inclusive), name, flags, parent, sibling, child.
//
//   iomem_resource.child -> System RAM -> System RAM -> ...      sibling
//                           |child
//                           Kernel code -> Kernel rodata -> ...
//
// Memory of dax/kmem and of virtio-mem lies a level deeper, under its device; walk_system_ram_range() visits all levels
// (Linux b926b7f3baec, "mm/resource: Let walk_system_ram_range() search child resources", v5.1).
#include "offlining/resources.h"

#include <fmt/format.h>

#include <array>

#include "kernel/kernel.h"

namespace memsect {
namespace {

// include/linux/ioport.h, the same in every release since 4.6
constexpr std::uint64_t ioresource_mem = 0x200, ioresource_sysram = 0x01000000, ioresource_busy = 0x80000000;
constexpr std::uint64_t busy_ram = ioresource_mem | ioresource_sysram | ioresource_busy;

constexpr std::size_t most_resources = 1 << 14;  // machines have some hundred
constexpr unsigned deepest = 32;
constexpr std::size_t longest_name = 128;

struct Layout {
  std::uint64_t size = 0;
  Field start, end, name, flags, sibling, child;
};

/// As it has been on 64-bit machines since 4.6, for a vmlinux whose debug information was cut down.
Layout usual_layout(ByteOrder order) {
  constexpr std::uint64_t word = 8;
  const auto member = [order](std::uint64_t index) { return Field(index * word, word, order); };
  return {8 * word, member(0), member(1), member(2), member(3), member(6), member(7)};
}

Result<Layout> find_layout(const Kernel& kernel, Notes& notes) {
  auto resource = kernel.types().find_struct("resource");
  if (!resource && resource.error().code == Errc::no_type && kernel.arch().word_size == 8) {
    notes.note(
        "no debug information describes struct resource: it is read as it is in every release since 4.6");
    return usual_layout(kernel.order());
  }
  if (!resource) return std::move(resource).error();
  Layout layout;
  layout.size = resource->size;
  struct Wanted {
    const char* member;
    Field* field;
  };
  for (const Wanted& wanted :
       {Wanted{"start", &layout.start}, Wanted{"end", &layout.end}, Wanted{"name", &layout.name},
        Wanted{"flags", &layout.flags}, Wanted{"sibling", &layout.sibling}, Wanted{"child", &layout.child}}) {
    auto field = resource->field(wanted.member);
    if (!field) return std::move(field).error();
    *wanted.field = *field;
  }
  return layout;
}

class Walk {
 public:
  Walk(const Kernel& kernel, const Layout& layout) : space_(kernel.space()), layout_(layout) {}

  /// Visits `at`, its children, then its siblings. The tree is as deep as buses are nested; siblings are a loop.
  void visit(VirtAddr at, unsigned depth) {
    while (at.raw() != 0 && !failure_) {
      std::vector<std::byte> bytes(layout_.size);
      if (found_.size() == most_resources || depth == deepest) return fail("does not end");
      if (!space_.read(at, bytes)) return fail(fmt::format("cannot be read at {:#x}", at.raw()));
      Resource resource;
      resource.start = PhysAddr(layout_.start.get(bytes));
      resource.last = PhysAddr(layout_.end.get(bytes));
      resource.depth = depth;
      resource.is_busy_ram = (layout_.flags.get(bytes) & busy_ram) == busy_ram;
      if (resource.last < resource.start) return fail("has an entry that ends before it begins");
      const std::uint64_t name = layout_.name.get(bytes);
      if (auto text = space_.read_text(VirtAddr(name), longest_name)) resource.name = std::move(*text);
      found_.push_back(std::move(resource));
      visit(VirtAddr(layout_.child.get(bytes)), depth + 1);
      at = VirtAddr(layout_.sibling.get(bytes));
    }
  }

  std::vector<Resource> take() { return std::move(found_); }
  const std::optional<std::string>& failure() const { return failure_; }

 private:
  void fail(std::string what) { failure_ = std::move(what); }

  AddressSpace space_;
  const Layout& layout_;
  std::vector<Resource> found_;
  std::optional<std::string> failure_;
};

}  // namespace

Result<std::vector<Resource>> load_resources(const Kernel& kernel, Notes& notes) {
  const auto root = kernel.address_of("iomem_resource");
  if (!root) return Error{Errc::no_symbol, "the symbol iomem_resource is not known", {}};
  auto layout = find_layout(kernel, notes);
  if (!layout) return std::move(layout).error();
  std::vector<std::byte> bytes(layout->size);
  if (auto done = kernel.space().read(*root, bytes); !done)
    return std::move(done).error().within("iomem_resource");
  Walk walk(kernel, *layout);
  walk.visit(VirtAddr(layout->child.get(bytes)), 0);
  if (walk.failure()) {
    notes.warn(fmt::format("the resource tree (iomem_resource) {}", *walk.failure()));
    return Error{Errc::corrupt, fmt::format("the resource tree {}", *walk.failure()), {}};
  }
  return walk.take();
}

}  // namespace memsect
