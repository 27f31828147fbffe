#include <fmt/format.h>

#include "types/type_source.h"

namespace memsect {

const Member* StructLayout::find(std::string_view member) const {
  for (const Member& m : members) {
    if (m.name == member) return &m;
  }
  return nullptr;
}

Result<Member> StructLayout::member(std::string_view member_name) const {
  if (const Member* m = find(member_name)) return *m;
  return Error{Errc::no_member, fmt::format("struct {} has no member {}", name, member_name), {}};
}

Result<Field> StructLayout::field(std::string_view member_name) const {
  auto m = member(member_name);
  if (!m) return std::move(m).error();
  const bool integer = m->size == 1 || m->size == 2 || m->size == 4 || m->size == 8;
  if (!integer || m->is_bitfield) {
    return Error{
        Errc::no_member, fmt::format("{}.{} is no plain integer ({} bytes)", name, member_name, m->size), {}};
  }
  if (m->offset > size || m->size > size - m->offset) {
    return Error{Errc::corrupt, fmt::format("{}.{} lies outside of its struct", name, member_name), {}};
  }
  return Field(m->offset, m->size, order);
}

}  // namespace memsect
