// A struct is a tree of entries, and a layout is a flat list:
//
//   struct page                                          offset  name
//     member flags           --> typedef/base                 0  flags
//     member (no name)       --> union at 8
//       member (no name)     --> struct at 8 + 0
//         member lru         --> struct list_head             8  lru
//         member mapping     --> pointer                     24  mapping
//     ...
//
// A member's type is peeled: typedef, const, volatile, restrict and _Atomic say nothing about size, but the
// first typedef or tag met on the way is the name the kernel's source uses (atomic_long_t, spinlock_t), so it
// is kept. An array may hide behind a typedef and hold arrays in turn; its dimensions are multiplied. The
// array at the end of struct mem_section_usage, pageblock_flags[0] or [], has no upper bound, no count, or
// (gcc < 8) an upper bound of -1.
//
// Damaged debug information can describe types that contain themselves: depths and the number of entries
// looked at are bounded, far above what the kernel's largest structs need (task_struct: 300 entries, 6
// levels).
#include "types/dwarf_struct.h"

#include <fmt/format.h>

#include <utility>

namespace memsect {
namespace {

constexpr unsigned deepest_nesting = 32;
constexpr unsigned longest_type_chain = 64;
constexpr unsigned most_entries = 100'000;

/// a * b, or nothing when it does not fit.
std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// A type without its typedefs and qualifiers.
struct Peeled {
  Die die;                 ///< null for void
  std::string_view alias;  ///< the outermost typedef, or empty
};

/// How much room a type takes.
struct Shape {
  std::uint64_t size = 0;
  std::uint64_t element_size = 0;
  std::uint64_t elements = 1;
  std::string type_name;
};

class LayoutReader {
 public:
  LayoutReader(unsigned address_size, ByteOrder order) : address_size_(address_size), order_(order) {}

  Result<void> add_members(const Die& record, std::uint64_t base, unsigned depth);
  std::vector<Member> take_members() { return std::move(members_); }

 private:
  Result<void> add_member(const Die& die, std::uint64_t base, unsigned depth);
  void place_bits(const Die& die, std::uint64_t base, Member& member) const;
  Result<Peeled> peel(Die type);
  Result<Shape> shape_of(Peeled type, unsigned depth);
  Result<Shape> shape_of_array(const Die& array, unsigned depth);
  Result<std::uint64_t> elements_of(const Die& array);
  /// Counts one more entry; false when it was one too many.
  bool count_entry() { return ++entries_ <= most_entries; }

  unsigned address_size_;
  ByteOrder order_;
  unsigned entries_ = 0;
  std::vector<Member> members_;
};

Error too_deep(std::string_view what) {
  return {Errc::corrupt, fmt::format("{} nested without end in the debug information", what), {}};
}

bool is_record(DwarfTag tag) { return tag == DwarfTag::structure_type || tag == DwarfTag::union_type; }

bool adds_nothing(DwarfTag tag) {
  return tag == DwarfTag::typedef_type || tag == DwarfTag::const_type || tag == DwarfTag::volatile_type ||
         tag == DwarfTag::restrict_type || tag == DwarfTag::atomic_type;
}

Result<Peeled> LayoutReader::peel(Die type) {
  Peeled peeled{std::move(type), {}};
  for (unsigned links = 0; links < longest_type_chain; ++links) {
    if (!peeled.die || !adds_nothing(peeled.die.tag())) return peeled;
    if (!count_entry()) break;
    if (peeled.alias.empty() && peeled.die.tag() == DwarfTag::typedef_type) peeled.alias = peeled.die.name();
    auto next = peeled.die.type();
    if (!next) return std::move(next).error();
    peeled.die = std::move(*next);
  }
  return too_deep("types are");
}

Result<Shape> LayoutReader::shape_of(Peeled type, unsigned depth) {
  if (depth > deepest_nesting || !count_entry()) return too_deep("types are");
  if (!type.die) return Error{Errc::corrupt, "a member is void", {}};
  const DwarfTag tag = type.die.tag();
  if (tag == DwarfTag::array_type) return shape_of_array(type.die, depth);

  Shape shape;
  shape.type_name = type.alias;
  const bool has_tag_name = is_record(tag) || tag == DwarfTag::enumeration_type;
  if (shape.type_name.empty() && has_tag_name) shape.type_name = type.die.name();
  const auto size = type.die.number(DwarfAttribute::byte_size);
  if (size && *size >= 0) {
    shape.size = static_cast<std::uint64_t>(*size);
  } else if (tag == DwarfTag::pointer_type) {
    shape.size = address_size_;
  } else if (tag == DwarfTag::enumeration_type && type.die.has(DwarfAttribute::type)) {
    auto underlying = type.die.type();
    if (!underlying) return std::move(underlying).error();
    auto peeled = peel(std::move(*underlying));
    if (!peeled) return std::move(peeled).error();
    auto inner = shape_of(std::move(*peeled), depth + 1);
    if (!inner) return inner;
    shape.size = inner->size;
  } else {
    return Error{Errc::corrupt, fmt::format("the type at {:#x} has no size", type.die.offset()), {}};
  }
  shape.element_size = shape.size;
  return shape;
}

Result<Shape> LayoutReader::shape_of_array(const Die& array, unsigned depth) {
  auto element = array.type();
  if (!element) return std::move(element).error();
  auto peeled = peel(std::move(*element));
  if (!peeled) return std::move(peeled).error();
  auto shape = shape_of(std::move(*peeled), depth + 1);
  if (!shape) return shape;
  auto elements = elements_of(array);
  if (!elements) return std::move(elements).error();
  const auto all_elements = multiply(shape->elements, *elements);
  const auto size = multiply(shape->size, *elements);
  if (!all_elements || !size)
    return Error{Errc::corrupt, fmt::format("an array of {} elements", *elements), {}};
  shape->elements = *all_elements;
  shape->size = *size;
  return shape;
}

/// All dimensions of one DW_TAG_array_type.
Result<std::uint64_t> LayoutReader::elements_of(const Die& array) {
  std::optional<std::uint64_t> elements = 1;
  auto walked = array.for_each_child([&](const Die& child) {
    if (!count_entry()) elements.reset();
    if (!elements) return false;
    if (child.tag() != DwarfTag::subrange_type) return true;
    std::uint64_t length = 0;
    if (const auto count = child.number(DwarfAttribute::count)) {
      length = static_cast<std::uint64_t>(*count);
    } else if (const auto last = child.number(DwarfAttribute::upper_bound)) {
      const bool none = *last == -1 || *last == 0xffffffff;  // the latter as DW_FORM_data4
      length = none ? 0 : static_cast<std::uint64_t>(*last) + 1;
    }
    elements = multiply(*elements, length);
    return true;
  });
  if (!walked) return std::move(walked).error();
  if (!elements) return Error{Errc::corrupt, "an array with an absurd number of elements", {}};
  return *elements;
}

/// Bit fields. DWARF 5 says the first bit from the start of the struct; the unit it is taken from is aligned to its own
/// size. DWARF 4 says where that unit is, and how far the field is from its highest bit.
void LayoutReader::place_bits(const Die& die, std::uint64_t base, Member& member) const {
  const auto number = [&](DwarfAttribute attribute) {
    const auto value = die.number(attribute);
    return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
  };
  member.bit_size = number(DwarfAttribute::bit_size).value_or(0);
  if (const auto first = number(DwarfAttribute::data_bit_offset)) {
    const std::uint64_t byte = *first / 8;
    member.offset = base + (member.size == 0 ? byte : byte / member.size * member.size);
    member.first_bit = 8 * base + *first;
  } else if (const auto from_top = number(DwarfAttribute::bit_offset)) {
    const bool little = order_ == ByteOrder::little;
    member.first_bit =
        8 * member.offset + (little ? 8 * member.size - *from_top - member.bit_size : *from_top);
  }
}

Result<void> LayoutReader::add_member(const Die& die, std::uint64_t base, unsigned depth) {
  auto location = die.member_location();
  if (!location) return std::move(location).error();
  auto type = die.type();
  if (!type) return std::move(type).error();
  auto peeled = peel(std::move(*type));
  if (!peeled) return std::move(peeled).error();

  const std::string_view name = die.name();
  if (name.empty()) {
    if (!peeled->die || !is_record(peeled->die.tag())) return {};
    return add_members(peeled->die, base + *location, depth + 1);
  }
  auto shape = shape_of(std::move(*peeled), 0);
  if (!shape) return std::move(shape).error().within(name);
  Member member;
  member.name = name;
  member.offset = base + *location;
  member.size = shape->size;
  member.element_size = shape->element_size;
  member.elements = shape->elements;
  member.type_name = std::move(shape->type_name);
  if (die.has(DwarfAttribute::bit_size)) place_bits(die, base, member);
  members_.push_back(std::move(member));
  return {};
}

Result<void> LayoutReader::add_members(const Die& record, std::uint64_t base, unsigned depth) {
  if (depth > deepest_nesting) return too_deep("structs are");
  Result<void> added;
  auto walked = record.for_each_child([&](const Die& child) {
    if (!count_entry()) {
      added = Error{Errc::corrupt, "more members than any struct has", {}};
    } else if (child.tag() == DwarfTag::member) {
      added = add_member(child, base, depth);
    }
    return added.has_value();
  });
  return walked ? added : walked;
}

}  // namespace

Result<StructLayout> read_struct_layout(const Die& definition, unsigned address_size, ByteOrder order) {
  LayoutReader reader(address_size, order);
  const auto size = definition.number(DwarfAttribute::byte_size);
  if (!size || *size < 0) return Error{Errc::corrupt, "has no size", {}};
  if (auto added = reader.add_members(definition, 0, 0); !added) return std::move(added).error();
  StructLayout layout;
  layout.size = static_cast<std::uint64_t>(*size);
  layout.order = order;
  layout.members = reader.take_members();
  return layout;
}

}  // namespace memsect
