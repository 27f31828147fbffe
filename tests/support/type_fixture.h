// The fixtures of testdata/types and what their compiler says about them.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/memory_file.h"

namespace memsect::testing {

inline std::string fixture_path(const std::string& name) {
  return std::string(MEMSECT_TYPE_FIXTURES "/") + name + ".elf";
}

inline std::string file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A fixture's or a section's name as GoogleTest wants it in the name of a test.
inline std::string test_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

/// One TRUTH() line of a fixture; member is empty for TRUTH_SIZE().
struct Truth {
  std::string type;
  std::string member;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// All of them, read from the fixture's data (testdata/types/truth.h).
inline std::vector<Truth> truth_of(const std::string& name) {
  struct Record {
    char type[32];
    char member[48];
    std::uint64_t offset;
    std::uint64_t size;
  };
  const std::string bytes = file_bytes(fixture_path(name));
  std::vector<Truth> truth;
  std::size_t at = bytes.find(std::string("MEMSECT-TRUTH\0\0\0", 16));
  while (at != std::string::npos && (at += sizeof(Record)) + sizeof(Record) <= bytes.size()) {
    Record record{};
    std::memcpy(&record, bytes.data() + at, sizeof record);
    if (record.type[0] == '\0') break;
    truth.push_back({record.type, record.member, record.offset, record.size});
  }
  return truth;
}

}  // namespace memsect::testing
