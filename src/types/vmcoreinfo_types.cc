// VMCOREINFO has SIZE(struct) and OFFSET(struct.member), and no width of a member: those below have had the same in
// every kernel since they are exported (kernel/vmcore_info.c; before 6.9 kernel/crash_core.c).
#include "types/vmcoreinfo_types.h"

#include <fmt/format.h>

#include <array>

namespace memsect {
namespace {

constexpr unsigned word = 0;  // the width of a long

struct KnownMember {
  std::string_view type, member;
  unsigned size = word;
};
constexpr std::array<KnownMember, 14> known_members{{{"page", "flags"},
                                                     {"page", "_refcount", 4},
                                                     {"page", "mapping"},
                                                     {"page", "_mapcount", 4},
                                                     {"page", "private"},
                                                     {"page", "compound_head"},
                                                     {"page", "compound_info"},
                                                     {"mem_section", "section_mem_map"},
                                                     {"pglist_data", "nr_zones", 4},
                                                     {"pglist_data", "node_start_pfn"},
                                                     {"pglist_data", "node_spanned_pages"},
                                                     {"pglist_data", "node_id", 4},
                                                     {"zone", "spanned_pages"},
                                                     {"list_head", "next"}}};

Error unknown(std::string_view kind, std::string_view name) {
  return {Errc::no_type, fmt::format("VMCOREINFO does not describe {} {}", kind, name),
          "a vmlinux, or the kernel's BTF, does"};
}

class VmcoreinfoTypes final : public TypeSource {
 public:
  VmcoreinfoTypes(const Vmcoreinfo& info, unsigned word_size, ByteOrder order)
      : info_(info), word_size_(word_size), order_(order) {}

  std::string_view origin() const override { return "vmcoreinfo"; }

  Result<StructLayout> find_struct(std::string_view name) const override {
    const auto size = info_.size(name);
    if (!size) return unknown("struct", name);
    StructLayout layout;
    layout.name = name;
    layout.size = *size;
    layout.origin = origin();
    layout.order = order_;
    for (const KnownMember& known : known_members) {
      if (known.type != name) continue;
      const auto offset = info_.offset(fmt::format("{}.{}", name, known.member));
      const std::uint64_t width = known.size == word ? word_size_ : known.size;
      if (!offset || *offset > *size || width > *size - *offset) continue;
      Member& member = layout.members.emplace_back();
      member.name = known.member;
      member.offset = *offset;
      member.size = member.element_size = width;
    }
    return layout;
  }
  Result<std::int64_t> find_enumerator(std::string_view, std::string_view enumerator) const override {
    return unknown("enumerator", enumerator);
  }
  bool has_enum(std::string_view) const override { return false; }
  Result<unsigned> parameter_count(std::string_view function) const override {
    return unknown("function", function);
  }

 private:
  Vmcoreinfo info_;
  unsigned word_size_;
  ByteOrder order_;
};

}  // namespace

std::unique_ptr<TypeSource> make_vmcoreinfo_types(const Vmcoreinfo& info, unsigned word_size,
                                                  ByteOrder order) {
  return std::make_unique<VmcoreinfoTypes>(info, word_size, order);
}

}  // namespace memsect
