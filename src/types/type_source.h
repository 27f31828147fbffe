// What the kernel's types look like, whoever knows it: DWARF (dwarf.cc), later BTF and VMCOREINFO.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/result.h"
#include "base/view.h"

namespace memsect {

/// A member of a struct. Members of anonymous structs and unions inside it are listed as members of the outer
/// one.
struct Member {
  std::string name;
  std::uint64_t offset = 0;        ///< bytes from the start of the outermost struct
  std::uint64_t size = 0;          ///< bytes in all; for an array all its elements; 0 for a flexible array
  std::uint64_t element_size = 0;  ///< bytes of one element; equals size for what is no array
  std::uint64_t elements = 1;      ///< all dimensions multiplied; 0 for a flexible array
  std::string type_name;  ///< name of the struct, union, enum or typedef it is (elements of arrays), or empty
  /// Of a bit field: how many bits, and the first of them from the start of the outermost struct, counted as the
  /// compiler allocates them, which is from the lowest bit on little-endian machines and the highest on others.
  /// `offset` and `size` are then those of the integer they are taken from.
  std::uint64_t bit_size = 0;
  std::uint64_t first_bit = 0;

  bool is_bitfield() const { return bit_size != 0; }
};

/// An integer, enum or pointer inside a struct, checked when it was bound: reading it cannot fail. The bytes
/// are those of the struct, from its first one on.
class Field {
 public:
  Field() = default;
  Field(std::uint64_t offset, std::uint64_t size, ByteOrder order)
      : offset_(offset), size_(size), order_(order) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t size() const { return size_; }
  /// Where the field ends: the number of bytes of the struct that must be there to read it.
  std::uint64_t end() const { return offset_ + size_; }
  /// The unsigned value. `bytes` must reach to end(); the caller read that many.
  std::uint64_t get(Bytes bytes) const { return load_unsigned(bytes.subspan(offset_, size_), order_); }
  std::int64_t get_signed(Bytes bytes) const { return sign_extend(get(bytes), size_); }

 private:
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 1;
  ByteOrder order_ = ByteOrder::little;
};

/// A bit field inside a struct, checked as a Field is.
class BitField {
 public:
  BitField() = default;
  /// `shift`: from the lowest bit of `unit`; shift + bits must not exceed its width.
  BitField(const Field& unit, unsigned shift, unsigned bits) : unit_(unit), shift_(shift), bits_(bits) {}

  std::uint64_t get(Bytes bytes) const { return unit_.get(bytes) >> shift_ & mask(); }
  std::uint64_t end() const { return unit_.end(); }
  /// Its bits in the integer that holds them, all set.
  std::uint64_t in_unit() const { return mask() << shift_; }

 private:
  std::uint64_t mask() const { return bits_ == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits_) - 1; }

  Field unit_;
  unsigned shift_ = 0, bits_ = 0;
};

/// A struct or union as the compiler laid it out.
struct StructLayout {
  std::string name;
  std::uint64_t size = 0;  ///< bytes; a flexible array at its end adds nothing
  std::vector<Member> members;
  ByteOrder order = ByteOrder::little;
  std::string origin;  ///< "dwarf", "btf", "vmcoreinfo"

  /// The member, or null. Old kernels lack members: asking is how decoders tell layouts apart.
  const Member* find(std::string_view member) const;
  bool has(std::string_view member) const { return find(member) != nullptr; }
  /// The member, or `no_member`.
  Result<Member> member(std::string_view name) const;
  /// The member as an integer of 1, 2, 4 or 8 bytes; `no_member` when it is not there or is none.
  Result<Field> field(std::string_view name) const;
  /// The member as a bit field; `no_member` when it is not there or is none.
  Result<BitField> bit_field(std::string_view name) const;
};

/// One name of an enum.
struct Enumerator {
  std::string name;
  std::int64_t value = 0;
};

/// A place that knows types. Absence is an ordinary answer: `no_type` from a source that works means that
/// this kernel has no such type. Other codes mean that the source itself failed.
class TypeSource {
 public:
  virtual ~TypeSource() = default;
  /// "dwarf", "btf" or "vmcoreinfo".
  virtual std::string_view origin() const = 0;
  /// The definition of `struct NAME` or `union NAME`.
  virtual Result<StructLayout> find_struct(std::string_view name) const = 0;
  /// The value of an enumerator. `enum_name` narrows the search; empty means the anonymous enums. An
  /// enumerator that is not in the named enum is `no_type`.
  virtual Result<std::int64_t> find_enumerator(std::string_view enum_name,
                                               std::string_view enumerator) const = 0;
  /// All of `enum NAME` in the order of its declaration. A source that cannot list enums knows none.
  virtual Result<std::vector<Enumerator>> enumerators_of(std::string_view enum_name) const {
    return Error{Errc::no_type, "enum " + std::string(enum_name) + " is not known", {}};
  }
  /// Whether `enum NAME` exists.
  virtual bool has_enum(std::string_view name) const = 0;
  /// How many parameters a function takes: the mark of changes that touch no type.
  virtual Result<unsigned> parameter_count(std::string_view function) const = 0;
};

}  // namespace memsect
