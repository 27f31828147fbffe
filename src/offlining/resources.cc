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

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

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
  Field start, end, name, flags, parent, sibling, child;
};

/// As it has been on 64-bit machines since 4.6, for a vmlinux whose debug information was cut down.
Layout usual_layout(ByteOrder order) {
  constexpr std::uint64_t word = 8;
  const auto member = [order](std::uint64_t index) { return Field(index * word, word, order); };
  return {8 * word, member(0), member(1), member(2), member(3), member(5), member(6), member(7)};
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
        Wanted{"flags", &layout.flags}, Wanted{"parent", &layout.parent}, Wanted{"sibling", &layout.sibling},
        Wanted{"child", &layout.child}}) {
    auto field = resource->field(wanted.member);
    if (!field) return std::move(field).error();
    *wanted.field = *field;
  }
  return layout;
}

class Walk {
 public:
  Walk(const Kernel& kernel, const Layout& layout) : space_(kernel.space()), layout_(layout) {}

  /// Visits `at`, its children, then its siblings. The tree is as deep as buses are nested; siblings are a loop. One that
  /// cannot be read costs its children, and the siblings behind it.
  void visit(VirtAddr at, unsigned depth) {
    while (at.raw() != 0 && !broken_) {
      std::vector<std::byte> bytes(layout_.size);
      if (found_.size() == most_resources || depth == deepest) return fail("does not end");
      if (!seen_.insert(at).second) return from_below_ ? void() : fail("does not end");
      if (auto done = space_.read(at, bytes); !done) {
        if (!lost_)
          lost_ = Error{done.error().code,
                        fmt::format("cannot be read at {:#x}: {}", at.raw(), done.error().message),
                        {}};
        return;
      }
      Resource resource;
      resource.start = PhysAddr(layout_.start.get(bytes));
      resource.last = PhysAddr(layout_.end.get(bytes));
      resource.depth = depth;
      resource.is_busy_ram = (layout_.flags.get(bytes) & busy_ram) == busy_ram;
      if (resource.last < resource.start) return fail("has an entry that ends before it begins");
      auto text = space_.read_text(VirtAddr(layout_.name.get(bytes)), longest_name);
      if (text) resource.name = std::move(*text);
      if (!text && text.error().code != Errc::corrupt && !lost_) lost_ = text.error();
      found_.push_back(std::move(resource));
      visit(VirtAddr(layout_.child.get(bytes)), depth + 1);
      at = VirtAddr(layout_.sibling.get(bytes));
    }
  }

  /// From an entry that a symbol names up to the top level, and on from there: a second way to what lies behind an entry
  /// that cannot be read.
  void visit_from_below(VirtAddr at, VirtAddr root) {
    for (unsigned depth = 0; depth < deepest && at.raw() != 0; ++depth) {
      std::vector<std::byte> bytes(layout_.size);
      if (!space_.read(at, bytes)) return;
      const VirtAddr parent(layout_.parent.get(bytes));
      from_below_ = true;
      if (parent == root) return visit(at, 0);
      at = parent;
    }
  }

  /// In the order of the tree: by address, the outer ones first.
  std::vector<Resource> take() {
    if (!from_below_) return std::move(found_);
    std::stable_sort(found_.begin(), found_.end(), [](const Resource& a, const Resource& b) {
      return std::pair(a.start, a.depth) < std::pair(b.start, b.depth);
    });
    return std::move(found_);
  }
  /// The tree is damaged: what it says is not to be trusted.
  const std::optional<Error>& broken() const { return broken_; }
  /// Part of it cannot be read.
  const std::optional<Error>& lost() const { return lost_; }

 private:
  void fail(std::string what) { broken_ = Error{Errc::corrupt, std::move(what), {}}; }

  AddressSpace space_;
  const Layout& layout_;
  std::vector<Resource> found_;
  std::unordered_set<VirtAddr> seen_;
  bool from_below_ = false;
  std::optional<Error> broken_, lost_;
};

/// Entries in the kernel image, children of the System RAM that it lies in.
constexpr std::array image_resources{"code_resource", "data_resource", "rodata_resource", "bss_resource",
                                     "kernel_code",   "kernel_data",   "crashk_res",      "crashk_low_res"};

}  // namespace

Result<ResourceTree> load_resources(const Kernel& kernel, Notes& notes) {
  const auto root = kernel.address_of("iomem_resource");
  if (!root) return Error{Errc::no_symbol, "the symbol iomem_resource is not known", {}};
  auto layout = find_layout(kernel, notes);
  if (!layout) return std::move(layout).error();
  std::vector<std::byte> bytes(layout->size);
  if (auto done = kernel.space().read(*root, bytes); !done)
    return std::move(done).error().within("iomem_resource");
  Walk walk(kernel, *layout);
  walk.visit(VirtAddr(layout->child.get(bytes)), 0);
  if (walk.lost()) {
    for (const char* name : image_resources) {
      if (const auto at = kernel.address_of(name)) walk.visit_from_below(*at, *root);
    }
  }
  if (const auto& why = walk.broken() ? walk.broken() : walk.lost())
    notes.warn(fmt::format("the resource tree (iomem_resource) {}", why->message));
  if (walk.broken())
    return Error{Errc::corrupt, fmt::format("the resource tree {}", walk.broken()->message), {}};
  std::vector<Resource> list = walk.take();
  if (walk.lost() && list.empty())
    return Error{walk.lost()->code, fmt::format("the resource tree {}", walk.lost()->message), {}};
  return ResourceTree{std::move(list), walk.lost()};
}

}  // namespace memsect
