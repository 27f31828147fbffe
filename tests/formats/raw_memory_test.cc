#include "formats/raw_memory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/dump_builder.h"

namespace memsect::test {
namespace {

using ::testing::HasSubstr;

const FormatDriver& raw_driver() {
  for (const FormatDriver* driver : format_drivers()) {
    if (driver->name == "raw") return *driver;
  }
  return *format_drivers().front();
}

/// The files of `contents`, called by `names` with "FILE" for the file.
Result<Dump> open_raw(const std::vector<std::pair<std::string, Buffer>>& files) {
  DumpParts parts;
  for (const auto& [name, bytes] : files) {
    const TempFile temp(bytes);
    const int descriptor = ::open(temp.path().c_str(), O_RDONLY | O_CLOEXEC);
    parts.push_back(File::adopt(name, descriptor, bytes.size(), Notes()));
  }
  return raw_driver().open(parts);
}

TEST(RawName, IsAnAddressAndAFile) {
  const auto plain = parse_raw_name("raw@0x80000000:a:b");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->address, 0x80000000U);
  EXPECT_EQ(plain->offset, 0U);
  EXPECT_FALSE(plain->size);
  EXPECT_EQ(plain->path, "a:b");
  const auto full = parse_raw_name("raw@4G,offset=3G,size=0x1000:ram");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->address, std::uint64_t{4} << 30);
  EXPECT_EQ(full->offset, std::uint64_t{3} << 30);
  EXPECT_EQ(full->size, 0x1000U);
}

TEST(RawName, OfAnotherFormIsRefused) {
  for (const char* name : {"raw@", "raw@:f", "raw@0", "raw@0:", "raw@x:f", "raw@0x:f", "raw@-1:f", "raw@0,:f",
                           "raw@0,1:f", "raw@0,offset:f", "raw@0,skip=1:f", "raw@offset=1:f",
                           "raw@99999999999999999999:f", "raw@16777216T:f", "ram"}) {
    const auto parsed = parse_raw_name(name);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().code, Errc::usage);
  }
}

TEST(RawMemory, LiesWhereTheUserSays) {
  const Buffer low = page_of_text("low", 0x3000), high = page_of_text("high", 0x2000);
  const auto dump = open_raw({{"raw@0x100000000:high", high}, {"raw@0x1000:low", low}});
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->info.format, "raw");
  EXPECT_EQ(dump->info.parts, 2U);
  Buffer out(low.size());
  ASSERT_TRUE(dump->memory->read(PhysAddr(0x1000), out));
  EXPECT_EQ(out, low);
  out.resize(high.size());
  ASSERT_TRUE(dump->memory->read(PhysAddr(0x100000000), out));
  EXPECT_EQ(out, high);
  const auto missing = dump->memory->read(PhysAddr(0x4000), out);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_in_dump);
}

TEST(RawMemory, OfOneFileInTwoPlacesSkipsTheHole) {
  const Buffer ram = page_of_text("ram", 0x4000);
  const auto dump = open_raw({{"raw@0,size=0x3000:ram", ram}, {"raw@4G,offset=0x3000:ram", ram}});
  ASSERT_TRUE(dump) << dump.error().message;
  Buffer out(0x1000);
  ASSERT_TRUE(dump->memory->read(PhysAddr(std::uint64_t{4} << 30), out));
  EXPECT_EQ(out, Buffer(ram.begin() + 0x3000, ram.end()));
  EXPECT_FALSE(dump->memory->read(PhysAddr(0x3000), out));
}

TEST(RawMemory, ThatOverlapsIsRefused) {
  const auto dump = open_raw({{"raw@0:a", Buffer(0x2000)}, {"raw@0x1fff:b", Buffer(0x2000)}});
  ASSERT_FALSE(dump);
  EXPECT_EQ(dump.error().code, Errc::usage);
  EXPECT_THAT(dump.error().message, HasSubstr("both hold physical address 0x1fff"));
}

TEST(RawMemory, ThatEndsBeforeItsSizeIsCutOff) {
  const auto dump = open_raw({{"raw@0,size=0x2000:a", Buffer(0x1000)}});
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->info.truncated);
  Buffer out(1);
  const auto missing = dump->memory->read(PhysAddr(0x1000), out);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::truncated);
}

TEST(RawMemory, OfNothingOrBeyondTheLastAddressIsRefused) {
  EXPECT_FALSE(open_raw({{"raw@0:a", {}}}));
  EXPECT_FALSE(open_raw({{"raw@0,offset=0x1000:a", Buffer(0x1000)}}));
  EXPECT_FALSE(open_raw({{"raw@0xffffffffffffffff:a", Buffer(0x1000)}}));
  EXPECT_FALSE(open_raw({{"raw@0,offset=1,size=0xffffffffffffffff:a", Buffer(0x1000)}}));
}

}  // namespace
}  // namespace memsect::test
