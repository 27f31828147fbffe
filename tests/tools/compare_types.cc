// Holds the types that memsect asks for in a vmlinux's DWARF against those in its BTF.
//
//   compare_types VMLINUX WORD...      struct:page   enum:pageflags   enumerator:migratetype/MIGRATE_ISOLATE
//
// Prints each difference, which types only one of them knows, and "N types agree"; exit 1 when there is a difference. A
// vmlinux that was cut down lacks the DWARF of most files.
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "symbols/elf_symtab.h"
#include "types/btf.h"
#include "types/dwarf.h"

namespace memsect::test {
namespace {

std::string member_text(const Member& member) {
  return fmt::format("{} at {} size {} elements {}{}", member.name, member.offset, member.size,
                     member.elements, member.is_bitfield() ? " bitfield" : "");
}

std::string struct_text(const TypeSource& types, const std::string& name) {
  const auto layout = types.find_struct(name);
  if (!layout) return "none";
  std::string text = fmt::format("size {}", layout->size);
  for (const Member& member : layout->members) text += "\n  " + member_text(member);
  return text;
}

std::string enum_text(const TypeSource& types, const std::string& name) {
  const auto enumerators = types.enumerators_of(name);
  if (!enumerators) return "none";
  std::string text;
  for (const Enumerator& e : *enumerators) text += fmt::format("{}={} ", e.name, e.value);
  return text;
}

std::string enumerator_text(const TypeSource& types, const std::string& name) {
  const auto slash = name.find('/');
  const auto value = types.find_enumerator(name.substr(0, slash), name.substr(slash + 1));
  return value ? fmt::format("{}", *value) : "none";
}

std::string text_of(const TypeSource& types, std::string_view word) {
  const auto colon = word.find(':');
  const std::string name(word.substr(colon + 1));
  const std::string_view kind = word.substr(0, colon);
  if (kind == "struct") return struct_text(types, name);
  return kind == "enum" ? enum_text(types, name) : enumerator_text(types, name);
}

template <class T>
T need(Result<T> result, const char* what) {
  if (result) return std::move(*result);
  fmt::print(stderr, "compare_types: {}: {}\n", what, result.error().message);
  std::exit(2);
}

int compare(const std::string& path, const std::vector<std::string>& words) {
  const auto file = need(File::open(path), path.c_str());
  const auto symbols = need(open_elf_symtab(file), "symbols");
  const auto dwarf =
      need(open_dwarf(file, [&](std::string_view name) { return symbols->address_of(name); }), "DWARF");
  const auto btf = need(open_btf(file), "BTF");
  std::size_t differences = 0, known = 0;
  for (const std::string& word : words) {
    const std::string one = text_of(*dwarf, word), other = text_of(*btf, word);
    known += one == other && one != "none" ? 1 : 0;
    if (one == other) continue;
    if (one == "none" || other == "none") {
      fmt::print("{}: in {} only\n", word, one == "none" ? "BTF" : "DWARF");
      continue;
    }
    ++differences;
    fmt::print("{}\nDWARF: {}\nBTF:   {}\n", word, one, other);
  }
  fmt::print("{} types agree, {} do not\n", known, differences);
  return differences == 0 && known > 0 ? 0 : 1;
}

}  // namespace
}  // namespace memsect::test

int main(int count, char** words) {
  if (count < 3) return 2;
  return memsect::test::compare(words[1], std::vector<std::string>(words + 2, words + count));
}
