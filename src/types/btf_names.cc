// BTF begins with the places of its two halves (btf.cc). Of a kernel's 5 MB the names take 1 to 2; parsing all of it takes
// some 10 ms, a third of what a whole answer takes where a vmlinux with DWARF is at hand and BTF has to say one thing: that
// this kernel has no such type either.
//
//   u16 magic, u8 version, u8 flags, u32 header length, u32 offset and length of types, u32 offset and length of names
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "base/byte_reader.h"
#include "elf/elf_sections.h"
#include "types/btf.h"
#include "types/settling.h"

namespace memsect {
namespace {

constexpr std::uint64_t header_size = 24;
/// Less is not a kernel's, and what it lacks another source may have.
constexpr std::uint64_t fewest_names = std::uint64_t{128} << 10;

class SparingBtf final : public SettlingTypes {
 public:
  SparingBtf(std::shared_ptr<const File> file, std::vector<std::byte> names)
      : file_(std::move(file)), names_(std::move(names)) {}

  std::string_view origin() const override { return "btf"; }
  Result<StructLayout> find_struct(std::string_view name) const override {
    return ask<StructLayout>(name, [&](const TypeSource& types) { return types.find_struct(name); });
  }
  Result<std::int64_t> find_enumerator(std::string_view enum_name,
                                       std::string_view enumerator) const override {
    return ask<std::int64_t>(
        enumerator, [&](const TypeSource& types) { return types.find_enumerator(enum_name, enumerator); });
  }
  Result<std::vector<Enumerator>> enumerators_of(std::string_view enum_name) const override {
    return ask<std::vector<Enumerator>>(
        enum_name, [&](const TypeSource& types) { return types.enumerators_of(enum_name); });
  }
  bool has_enum(std::string_view name) const override {
    return has_name(name) && whole() && (*whole())->has_enum(name);
  }
  Result<unsigned> parameter_count(std::string_view function) const override {
    return ask<unsigned>(function, [&](const TypeSource& types) { return types.parameter_count(function); });
  }
  bool settles(std::string_view name) const override {
    if (!has_name(name)) return !name.empty() && names_.size() >= fewest_names;
    const auto* const types = whole() ? dynamic_cast<const SettlingTypes*>(whole()->get()) : nullptr;
    return types != nullptr && types->settles(name);
  }

 private:
  bool has_name(std::string_view name) const {
    if (name == last_asked_) return last_found_;
    const std::string wanted = '\0' + std::string(name) + '\0';
    last_asked_ = name;
    last_found_ = ::memmem(names_.data(), names_.size(), wanted.data(), wanted.size()) != nullptr;
    return last_found_;
  }
  const Result<std::unique_ptr<TypeSource>>& whole() const {
    if (!whole_) whole_ = open_btf(file_);
    return *whole_;
  }
  template <class Answer>
  Result<Answer> ask(std::string_view name,
                     const std::function<Result<Answer>(const TypeSource&)>& question) const {
    if (!has_name(name))
      return Error{Errc::no_type, "the BTF has nothing of the name " + std::string(name), {}};
    if (!whole()) return whole().error();
    return question(**whole());
  }

  std::shared_ptr<const File> file_;
  std::vector<std::byte> names_;
  mutable std::string last_asked_;
  mutable bool last_found_ = false;
  mutable std::optional<Result<std::unique_ptr<TypeSource>>> whole_;
};

}  // namespace

Result<std::unique_ptr<TypeSource>> open_btf_sparingly(const std::shared_ptr<const File>& vmlinux) {
  auto sections = ElfSections::open(vmlinux);
  if (!sections) return std::move(sections).error();
  const std::uint64_t size = (*sections)->size_of(".BTF");
  if ((*sections)->is_relocatable() || size < header_size) return open_btf(vmlinux);
  auto head = (*sections)->read(".BTF", 0, header_size);
  if (!head) return std::move(head).error();
  ByteReader reader(*head, (*sections)->order());
  reader.skip(4);
  const std::uint64_t header = reader.u32();
  reader.skip(8);
  const std::uint64_t start = header + reader.u32();
  auto names = (*sections)->read(".BTF", start, reader.u32());
  if (!names) return open_btf(vmlinux);  // which says what is wrong with it
  return std::unique_ptr<TypeSource>(std::make_unique<SparingBtf>(vmlinux, std::move(*names)));
}

}  // namespace memsect
