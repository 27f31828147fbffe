#include <fmt/format.h>

#include <bit>

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
  if (!integer || m->is_bitfield()) {
    return Error{
        Errc::no_member, fmt::format("{}.{} is no plain integer ({} bytes)", name, member_name, m->size), {}};
  }
  if (m->offset > size || m->size > size - m->offset) {
    return Error{Errc::corrupt, fmt::format("{}.{} lies outside of its struct", name, member_name), {}};
  }
  return Field(m->offset, m->size, order);
}

Result<BitField> StructLayout::bit_field(std::string_view member_name) const {
  auto m = member(member_name);
  if (!m) return std::move(m).error();
  if (!m->is_bitfield())
    return Error{Errc::no_member, fmt::format("{}.{} is no bit field", name, member_name), {}};
  const std::uint64_t width = 8 * m->size;
  const bool has_unit =
      std::has_single_bit(m->size) && m->size <= 8 && m->offset <= size && m->size <= size - m->offset;
  const std::uint64_t first =
      m->first_bit - 8 * m->offset;  // in the unit; of one before it, beyond all widths
  if (!has_unit || first > width || m->bit_size > width - first) {
    return Error{Errc::corrupt,
                 fmt::format("{}.{}: {} bits of {} bytes", name, member_name, m->bit_size, m->size),
                 {}};
  }
  const std::uint64_t shift = order == ByteOrder::little ? first : width - first - m->bit_size;
  return BitField(Field(m->offset, m->size, order), static_cast<unsigned>(shift),
                  static_cast<unsigned>(m->bit_size));
}

}  // namespace memsect
