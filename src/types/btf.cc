// BTF is one list of types, numbered from 1 (0 is void), that refer to each other by number, and one table of
// names:
//
//   header   magic 0xeb9f (its byte order is that of all the rest), version, flags, header length,
//            offset and length of types, offset and length of strings
//   types    { name, info: kind_flag | kind | number of entries, size or type }, then what the kind needs:
//              struct, union   { name, type, offset in bits } a member; with kind_flag the upper 8 bits of
//                              the offset are the width of a bit field
//              array           { element type, index type, elements }, one for each dimension
//              enum            { name, value of 32 bits } an enumerator
//              enum64          { name, low half, high half } an enumerator
//              func            nothing: its type is a func_proto, which has { name, type } a parameter,
//                              { 0, 0 } for "..."
//   strings  NUL-terminated, the first one empty
//
// https://docs.kernel.org/bpf/btf.html. libbpf walks the list, swaps bytes where needed and checks that every
// type lies inside of it. That what a type refers to exists and makes sense is checked here: types that
// contain themselves, absurd arrays, members outside of their struct.
//
// Members are made as dwarf_struct.cc makes them, so that nobody needs to know where a layout came from. Two
// things are different about BTF: it describes the whole kernel, where a name may stand for one thing in one
// driver and for another elsewhere (of several structs the first one with members counts), and it lacks
// functions, those inlined everywhere among them.
#include "types/btf.h"
#include "types/settling.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <new>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/byte_order.h"
#include "elf/elf_sections.h"

namespace memsect {
namespace {

/// A distribution's kernel has 3 to 8 MB of it.
constexpr std::uint64_t largest_btf = std::uint64_t{256} << 20;
constexpr unsigned deepest_nesting = 32;
constexpr unsigned longest_type_chain = 64;
constexpr unsigned most_entries = 100'000;
/// Types of the smallest kernels that have BTF, some 15,000, halved. Of fewer it is not believed that they are all.
constexpr std::uint32_t fewest_of_a_kernel = 7'000;

struct BtfDeleter {
  void operator()(btf* types) const { btf__free(types); }
};

/// The parsed list. What it hands out lives as long as it does.
class TypeList {
 public:
  static Result<TypeList> parse(Bytes raw, unsigned pointer_size);

  /// One more than the number of the last type.
  std::uint32_t end() const { return btf__type_cnt(types_.get()); }
  /// Type `id`, of kind BTF_KIND_UNKN for void, or null when there are not that many.
  const btf_type* at(std::uint32_t id) const { return btf__type_by_id(types_.get(), id); }
  /// Empty also when `offset` is none of the table of names.
  std::string_view name(std::uint32_t offset) const {
    const char* text = btf__name_by_offset(types_.get(), offset);
    return text == nullptr ? std::string_view() : std::string_view(text);
  }
  ByteOrder order() const {
    return btf__endianness(types_.get()) == BTF_BIG_ENDIAN ? ByteOrder::big : ByteOrder::little;
  }
  unsigned pointer_size() const { return pointer_size_; }

 private:
  TypeList(std::unique_ptr<btf, BtfDeleter> types, unsigned pointer_size)
      : types_(std::move(types)), pointer_size_(pointer_size) {}

  std::unique_ptr<btf, BtfDeleter> types_;
  unsigned pointer_size_;
};

/// Whether the list of types begins where its words are aligned. libbpf takes the header's word for it and reads them
/// through pointers.
bool has_aligned_types(Bytes raw) {
  constexpr std::size_t header_length_at = 4, types_at = 8, end = 12;
  if (raw.size() < end) return true;  // libbpf refuses that
  const ByteOrder order =
      load_unsigned(raw.first(2), ByteOrder::little) == BTF_MAGIC ? ByteOrder::little : ByteOrder::big;
  const auto start =
      load_unsigned(raw.subspan(header_length_at, 4), order) + load_unsigned(raw.subspan(types_at, 4), order);
  return start % 4 == 0;
}

Result<TypeList> TypeList::parse(Bytes raw, unsigned pointer_size) {
  if (raw.size() > largest_btf) return Error{Errc::corrupt, fmt::format("BTF of {} bytes", raw.size()), {}};
  if (!has_aligned_types(raw)) return Error{Errc::corrupt, "the types of the BTF are not aligned", {}};
  // libbpf prints to stderr unless told otherwise, which can be told the whole process only.
  libbpf_set_print(nullptr);
  std::unique_ptr<btf, BtfDeleter> types(btf__new(raw.data(), static_cast<std::uint32_t>(raw.size())));
  if (!types) {
    const int reason = errno;
    if (reason == ENOMEM) throw std::bad_alloc();  // as of all other memory: it says nothing about the BTF
    return Error{
        Errc::corrupt,
        fmt::format("{} bytes of BTF make no sense, or have kinds of types newer than libbpf {} (error {})",
                    raw.size(), libbpf_version_string(), reason),
        {}};
  }
  return TypeList(std::move(types), pointer_size);
}

bool is_record(const btf_type& type) { return btf_is_composite(&type); }

bool adds_nothing(const btf_type& type) {
  return btf_is_mod(&type) || btf_is_typedef(&type);  // const, volatile, restrict, type_tag
}

/// A type without its typedefs and qualifiers.
struct Peeled {
  const btf_type* type = nullptr;
  std::string_view alias;  ///< the outermost typedef, or empty
};

/// How much room a type takes.
struct Shape {
  std::uint64_t size = 0;
  std::uint64_t element_size = 0;
  std::uint64_t elements = 1;
  std::string_view type_name;
};

/// Makes the flat list of members of one struct.
class LayoutReader {
 public:
  LayoutReader(const TypeList& types, std::uint64_t struct_size) : types_(types), struct_size_(struct_size) {}

  Result<void> add_members(const btf_type& record, std::uint64_t base, unsigned depth);
  std::vector<Member> take_members() { return std::move(members_); }

 private:
  Result<void> add_member(const btf_type& record, std::uint32_t index, std::uint64_t base, unsigned depth);
  Result<Peeled> peel(std::uint32_t id);
  Result<Shape> shape_of(const Peeled& type, unsigned depth);
  Result<Shape> shape_of_array(const btf_type& array, unsigned depth);
  /// Counts one more entry; false when it was one too many.
  bool count_entry() { return ++entries_ <= most_entries; }

  const TypeList& types_;
  std::uint64_t struct_size_;
  unsigned entries_ = 0;
  std::vector<Member> members_;
};

Error too_deep(std::string_view what) {
  return {Errc::corrupt, fmt::format("{} nested without end in the BTF", what), {}};
}

Result<Peeled> LayoutReader::peel(std::uint32_t id) {
  Peeled peeled;
  for (unsigned links = 0; links < longest_type_chain && count_entry(); ++links) {
    peeled.type = types_.at(id);
    if (peeled.type == nullptr) {
      return Error{Errc::corrupt, fmt::format("type {} is referred to, there are {}", id, types_.end()), {}};
    }
    if (!adds_nothing(*peeled.type)) return peeled;
    if (peeled.alias.empty() && btf_is_typedef(peeled.type))
      peeled.alias = types_.name(peeled.type->name_off);
    id = peeled.type->type;
  }
  return too_deep("types are");
}

Result<Shape> LayoutReader::shape_of(const Peeled& type, unsigned depth) {
  if (depth > deepest_nesting || !count_entry()) return too_deep("types are");
  Shape shape;
  shape.type_name = type.alias;
  switch (btf_kind(type.type)) {
    case BTF_KIND_ARRAY:
      return shape_of_array(*type.type, depth);
    case BTF_KIND_PTR:
      shape.size = types_.pointer_size();
      break;
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
      if (shape.type_name.empty()) shape.type_name = types_.name(type.type->name_off);
      [[fallthrough]];
    case BTF_KIND_INT:
    case BTF_KIND_FLOAT:
      shape.size = type.type->size;
      break;
    default:
      return Error{Errc::corrupt, fmt::format("a type of kind {} has no size", btf_kind(type.type)), {}};
  }
  shape.element_size = shape.size;
  return shape;
}

Result<Shape> LayoutReader::shape_of_array(const btf_type& array, unsigned depth) {
  const struct btf_array& dimension = *btf_array(&array);
  auto element = peel(dimension.type);
  if (!element) return std::move(element).error();
  auto shape = shape_of(*element, depth + 1);
  if (!shape) return shape;
  if (__builtin_mul_overflow(shape->elements, dimension.nelems, &shape->elements) ||
      __builtin_mul_overflow(shape->size, dimension.nelems, &shape->size)) {
    return Error{Errc::corrupt, fmt::format("an array of {} elements", dimension.nelems), {}};
  }
  return shape;
}

/// Before kind_flag (pahole 1.12, 2018) a bit field was an int of fewer bits than its bytes have.
bool is_narrow_int(const btf_type& type) {
  return btf_is_int(&type) &&
         (btf_int_bits(&type) != 8 * std::uint64_t{type.size} || btf_int_offset(&type) != 0);
}

/// Where a bit field's storage unit begins: it is aligned to its own size.
std::uint64_t bitfield_offset(std::uint64_t first_bit, std::uint64_t unit_size) {
  const std::uint64_t byte = first_bit / 8;
  return unit_size == 0 ? byte : byte / unit_size * unit_size;
}

Result<void> LayoutReader::add_member(const btf_type& record, std::uint32_t index, std::uint64_t base,
                                      unsigned depth) {
  const btf_member& entry = btf_members(&record)[index];
  const std::string_view name = types_.name(entry.name_off);
  auto type = peel(entry.type);
  if (!type) return std::move(type).error().within(name);
  std::uint64_t first_bit = btf_member_bit_offset(&record, index);
  if (name.empty()) {
    if (!is_record(*type->type)) return {};  // padding
    return add_members(*type->type, base + first_bit / 8, depth + 1);
  }
  auto shape = shape_of(*type, 0);
  if (!shape) return std::move(shape).error().within(name);

  Member member;
  member.name = name;
  member.size = shape->size;
  member.element_size = shape->element_size;
  member.elements = shape->elements;
  member.type_name = shape->type_name;
  member.bit_size = btf_member_bitfield_size(&record, index);
  if (!btf_kflag(&record) && is_narrow_int(*type->type)) {
    member.bit_size = btf_int_bits(type->type);
    first_bit += btf_int_offset(type->type);
  }
  if (member.is_bitfield()) member.first_bit = 8 * base + first_bit;
  member.offset = base + (member.is_bitfield() ? bitfield_offset(first_bit, member.size) : first_bit / 8);
  // The storage unit of a bit field in a packed struct may reach beyond its end; nothing reads bit fields
  // whole.
  const std::uint64_t needed = member.is_bitfield() ? 0 : member.size;
  const bool inside = member.offset <= struct_size_ && needed <= struct_size_ - member.offset;
  if (!inside || (!member.is_bitfield() && first_bit % 8 != 0)) {
    return Error{Errc::corrupt,
                 fmt::format("{}: {} bytes at bit {} of {} bytes", name, member.size, 8 * base + first_bit,
                             struct_size_),
                 {}};
  }
  members_.push_back(std::move(member));
  return {};
}

Result<void> LayoutReader::add_members(const btf_type& record, std::uint64_t base, unsigned depth) {
  if (depth > deepest_nesting) return too_deep("structs are");
  for (std::uint32_t i = 0; i < btf_vlen(&record); ++i) {
    if (!count_entry()) return Error{Errc::corrupt, "more members than any struct has", {}};
    if (auto added = add_member(record, i, base, depth); !added) return added;
  }
  return {};
}

Error no_type(std::string_view kind, std::string_view name) {
  return {Errc::no_type, fmt::format("the BTF has no {} {}", kind, name), {}};
}

/// The types that are asked for by name. Functions, which are a third of all and hardly ever asked for, are
/// searched.
struct Index {
  std::unordered_map<std::string_view, std::uint32_t> records;
  std::unordered_map<std::string_view, std::uint32_t> enums;
  std::vector<std::uint32_t> anonymous_enums;
  bool marks_signed_enums = false;
};

class BtfTypes final : public SettlingTypes {
 public:
  explicit BtfTypes(TypeList types) : types_(std::move(types)) {}

  std::string_view origin() const override { return "btf"; }
  Result<StructLayout> find_struct(std::string_view name) const override;
  Result<std::int64_t> find_enumerator(std::string_view enum_name,
                                       std::string_view enumerator) const override;
  Result<std::vector<Enumerator>> enumerators_of(std::string_view enum_name) const override;
  bool has_enum(std::string_view name) const override {
    return !name.empty() && index().enums.count(name) != 0;
  }
  Result<unsigned> parameter_count(std::string_view function) const override;
  bool settles(std::string_view name) const override {
    return !name.empty() && types_.end() > fewest_of_a_kernel;
  }

 private:
  /// What an enumerator of the anonymous enums stands for; nothing when it is one thing here and another
  /// there.
  using Enumerators = std::unordered_map<std::string_view, std::optional<std::int64_t>>;

  const Index& index() const;
  void index_type(std::uint32_t id, Index& index) const;
  const Enumerators& anonymous_enumerators() const;
  template <class Visit>
  void for_each_enumerator(const btf_type& type, Visit visit) const;

  TypeList types_;
  mutable std::optional<Index> index_;
  mutable std::optional<Enumerators> anonymous_enumerators_;
};

const Index& BtfTypes::index() const {
  if (!index_) {
    index_.emplace();
    for (std::uint32_t id = 1; id < types_.end(); ++id) index_type(id, *index_);
  }
  return *index_;
}

void BtfTypes::index_type(std::uint32_t id, Index& index) const {
  const btf_type& type = *types_.at(id);
  const bool is_enum = btf_is_any_enum(&type);
  if (!is_enum && !is_record(type)) return;
  const std::string_view name = types_.name(type.name_off);
  if (is_enum) {
    index.marks_signed_enums = index.marks_signed_enums || btf_is_enum64(&type) || btf_kflag(&type);
    if (btf_vlen(&type) == 0) return;  // only declared
    if (name.empty()) {
      index.anonymous_enums.push_back(id);
    } else {
      index.enums.try_emplace(name, id);
    }
  } else if (!name.empty()) {
    const auto [known, inserted] = index.records.try_emplace(name, id);
    if (!inserted && btf_vlen(types_.at(known->second)) == 0) known->second = id;
  }
}

Result<StructLayout> BtfTypes::find_struct(std::string_view name) const {
  const auto found = index().records.find(name);
  if (found == index().records.end()) return no_type("struct", name);
  const btf_type& record = *types_.at(found->second);
  LayoutReader reader(types_, record.size);
  if (auto added = reader.add_members(record, 0, 0); !added) {
    return std::move(added).error().within(fmt::format("struct {}", name));
  }
  StructLayout layout;
  layout.name = name;
  layout.size = record.size;
  layout.members = reader.take_members();
  layout.order = types_.order();
  layout.origin = origin();
  return layout;
}

/// Calls `visit` with name and value of each, until it returns false.
template <class Visit>
void BtfTypes::for_each_enumerator(const btf_type& type, Visit visit) const {
  if (btf_is_enum64(&type)) {
    for (std::uint32_t i = 0; i < btf_vlen(&type); ++i) {
      const struct btf_enum64& entry = btf_enum64(&type)[i];
      if (!visit(types_.name(entry.name_off), static_cast<std::int64_t>(btf_enum64_value(&entry)))) return;
    }
    return;
  }
  // Whether values are signed is marked since pahole 1.24 (2022). Before, 0xffffffff may be either; it is -1
  // far more often.
  const bool is_signed = btf_kflag(&type) || !index().marks_signed_enums;
  for (std::uint32_t i = 0; i < btf_vlen(&type); ++i) {
    const struct btf_enum& entry = btf_enum(&type)[i];
    const std::int64_t value = is_signed ? std::int64_t{entry.val} : static_cast<std::uint32_t>(entry.val);
    if (!visit(types_.name(entry.name_off), value)) return;
  }
}

const BtfTypes::Enumerators& BtfTypes::anonymous_enumerators() const {
  if (anonymous_enumerators_) return *anonymous_enumerators_;
  Enumerators& all = anonymous_enumerators_.emplace();
  for (const std::uint32_t id : index().anonymous_enums) {
    for_each_enumerator(*types_.at(id), [&all](std::string_view name, std::int64_t value) {
      const auto [known, inserted] = all.try_emplace(name, value);
      if (!inserted && known->second != value) known->second.reset();
      return true;
    });
  }
  return all;
}

Result<std::int64_t> BtfTypes::find_enumerator(std::string_view enum_name,
                                               std::string_view enumerator) const {
  if (enum_name.empty()) {
    const auto found = anonymous_enumerators().find(enumerator);
    if (found == anonymous_enumerators().end()) return no_type("enumerator", enumerator);
    if (found->second) return *found->second;
    return Error{
        Errc::unsupported,
        fmt::format("{} is an enumerator of several anonymous enums, with different values", enumerator),
        {}};
  }
  const auto found = index().enums.find(enum_name);
  if (found == index().enums.end()) return no_type("enum", enum_name);
  std::optional<std::int64_t> answer;
  for_each_enumerator(*types_.at(found->second), [&](std::string_view name, std::int64_t value) {
    if (name == enumerator) answer = value;
    return !answer;
  });
  if (!answer) return no_type("enumerator", fmt::format("{}.{}", enum_name, enumerator));
  return *answer;
}

Result<std::vector<Enumerator>> BtfTypes::enumerators_of(std::string_view enum_name) const {
  const auto found = index().enums.find(enum_name);
  if (enum_name.empty() || found == index().enums.end()) return no_type("enum", enum_name);
  std::vector<Enumerator> all;
  for_each_enumerator(*types_.at(found->second), [&all](std::string_view name, std::int64_t value) {
    all.push_back({std::string(name), value});
    return true;
  });
  return all;
}

Result<unsigned> BtfTypes::parameter_count(std::string_view function) const {
  const btf_type* prototype = nullptr;
  for (std::uint32_t id = 1; id < types_.end() && prototype == nullptr; ++id) {
    const btf_type& type = *types_.at(id);
    // A function keeps its linkage in the number of entries. What is defined elsewhere may be declared
    // without its parameters.
    if (!btf_is_func(&type) || btf_vlen(&type) == BTF_FUNC_EXTERN) continue;
    if (types_.name(type.name_off) != function) continue;
    prototype = types_.at(type.type);
    if (prototype == nullptr || !btf_is_func_proto(prototype)) {
      return Error{Errc::corrupt, fmt::format("the BTF of function {} has no prototype", function), {}};
    }
  }
  if (prototype == nullptr || function.empty()) return no_type("function", function);
  const unsigned count = btf_vlen(prototype);
  const btf_param* parameters = btf_params(prototype);
  const bool is_variadic =
      count > 0 && parameters[count - 1].type == 0 && parameters[count - 1].name_off == 0;
  return is_variadic ? count - 1 : count;
}

}  // namespace

Result<std::unique_ptr<TypeSource>> open_btf(const std::shared_ptr<const File>& vmlinux) {
  auto sections = ElfSections::open(vmlinux);
  if (!sections) return std::move(sections).error();
  if ((*sections)->is_relocatable()) {
    return Error{Errc::unsupported, "is an object file, its BTF may only continue another",
                 "name the vmlinux instead"};
  }
  if ((*sections)->size_of(".BTF") == 0) return Error{Errc::no_type, "has no BTF (section .BTF)", {}};
  auto raw = (*sections)->whole(".BTF");
  if (!raw) return std::move(raw).error();
  auto types = parse_btf(*raw, (*sections)->address_size());
  if (!types) return std::move(types).error().within("section .BTF");
  return types;
}

Result<std::unique_ptr<TypeSource>> parse_btf(Bytes raw, unsigned pointer_size) {
  auto types = TypeList::parse(raw, pointer_size);
  if (!types) return std::move(types).error();
  return std::unique_ptr<TypeSource>(std::make_unique<BtfTypes>(std::move(*types)));
}

}  // namespace memsect
