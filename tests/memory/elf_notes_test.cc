#include "memory/elf_notes.h"

#include <gtest/gtest.h>

namespace memsect {
namespace {

/// Notes written as the kernel writes them: three words, the name with its NUL, the description, both padded
/// to 4.
class NoteBytes {
 public:
  explicit NoteBytes(ByteOrder order) : order_(order) {}
  NoteBytes& add(std::string_view name, std::uint32_t type, std::string_view description) {
    word(static_cast<std::uint32_t>(name.size() + 1));
    word(static_cast<std::uint32_t>(description.size()));
    word(type);
    text(std::string(name) + '\0');
    text(std::string(description));
    return *this;
  }
  NoteBytes& word(std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned shift = order_ == ByteOrder::little ? 8 * i : 24 - 8 * i;
      bytes_.push_back(static_cast<std::byte>(value >> shift));
    }
    return *this;
  }
  NoteBytes& text(const std::string& text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    while (bytes_.size() % 4 != 0) bytes_.push_back(std::byte{0});
    return *this;
  }
  Bytes bytes() const { return bytes_; }

 private:
  ByteOrder order_;
  std::vector<std::byte> bytes_;
};

std::string text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

TEST(ElfNotes, AreReadInBothByteOrders) {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    NoteBytes written(order);
    written.add("CORE", 1, "registers").add("VMCOREINFO", 0, "A=1\n").add("", 7, "");
    const std::vector<ElfNote> notes = parse_elf_notes(written.bytes(), order);
    ASSERT_EQ(notes.size(), 3U);
    EXPECT_EQ(notes[0].name, "CORE");
    EXPECT_EQ(notes[0].type, 1U);
    EXPECT_EQ(text_of(notes[0].description), "registers");
    EXPECT_EQ(notes[1].name, "VMCOREINFO");
    EXPECT_EQ(text_of(notes[1].description), "A=1\n");
    EXPECT_EQ(notes[2].type, 7U);
    EXPECT_TRUE(notes[2].description.empty());
  }
}

TEST(ElfNotes, MayEndWithoutTheirPadding) {
  NoteBytes written(ByteOrder::little);
  written.add("GNU", 3, "abcde");
  const Bytes unpadded = written.bytes().first(written.bytes().size() - 3);
  const std::vector<ElfNote> notes = parse_elf_notes(unpadded, ByteOrder::little);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(text_of(notes[0].description), "abcde");
}

TEST(ElfNotes, StopAtTheFirstOneThatDoesNotFit) {
  NoteBytes written(ByteOrder::little);
  written.add("CORE", 1, "whole").add("CORE", 2, "cut off here");
  const std::size_t size = written.bytes().size();
  for (std::size_t missing = 1; missing <= 32; ++missing) {
    EXPECT_EQ(parse_elf_notes(written.bytes().first(size - missing), ByteOrder::little).size(), 1U)
        << missing;
  }
}

TEST(ElfNotes, BelieveNoSizeThatIsLargerThanTheBytes) {
  for (const std::uint32_t size : {64U, 0x7fffffffU, 0xfffffffdU, 0xffffffffU}) {
    NoteBytes name(ByteOrder::little);
    name.word(size).word(0).word(1).text("CORE");
    EXPECT_TRUE(parse_elf_notes(name.bytes(), ByteOrder::little).empty()) << size;
    NoteBytes description(ByteOrder::little);
    description.word(5).word(size).word(1).text("CORE").text("x");
    EXPECT_TRUE(parse_elf_notes(description.bytes(), ByteOrder::little).empty()) << size;
  }
  EXPECT_TRUE(parse_elf_notes({}, ByteOrder::little).empty());
}

TEST(ElfNotes, HoldTheBuildIdInTheGnuNoteOfType3) {
  NoteBytes written(ByteOrder::little);
  written.add("GNU", 1, "abi").add("Xen", 3, "no").add("GNU", 3, std::string("\x3b\x43\x00\xff", 4));
  EXPECT_EQ(gnu_build_id(parse_elf_notes(written.bytes(), ByteOrder::little)), "3b4300ff");
  EXPECT_EQ(gnu_build_id({}), "");
}

}  // namespace
}  // namespace memsect
