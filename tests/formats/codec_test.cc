#include "formats/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/dump_builder.h"

namespace memsect::test {
namespace {

constexpr Codec codecs[] = {Codec::zlib, Codec::lzo, Codec::snappy, Codec::zstd};

TEST(Codec, GivesBackWhatWasCompressed) {
  for (const Codec codec : codecs) {
    if (!codec_built_in(codec)) continue;
    const Buffer page = page_of_text("some page");
    Buffer out(page.size());
    const auto done = Decompressor().decompress(codec, compress(codec, page), out);
    ASSERT_TRUE(done) << codec_name(codec) << ": " << done.error().message;
    EXPECT_EQ(out, page) << codec_name(codec);
  }
}

TEST(Codec, RefusesDataOfAnotherSize) {
  for (const Codec codec : codecs) {
    if (!codec_built_in(codec)) continue;
    for (const std::size_t size : {4095U, 4097U, 1U, 8192U}) {
      Buffer out(size);
      const auto done = Decompressor().decompress(codec, compress(codec, page_of_text("some page")), out);
      ASSERT_FALSE(done) << codec_name(codec) << " into " << size;
      EXPECT_EQ(done.error().code, Errc::corrupt);
      EXPECT_THAT(done.error().message, testing::HasSubstr(codec_name(codec)));
    }
  }
}

TEST(Codec, RefusesDamagedData) {
  for (const Codec codec : codecs) {
    if (!codec_built_in(codec)) continue;
    const Buffer packed = compress(codec, page_of_text("some page"));
    Buffer out(4096);
    const auto cut = Decompressor().decompress(codec, Bytes(packed).first(packed.size() / 2), out);
    ASSERT_FALSE(cut) << codec_name(codec);
    EXPECT_EQ(cut.error().code, Errc::corrupt);
    const auto nothing = Decompressor().decompress(codec, {}, out);
    ASSERT_FALSE(nothing) << codec_name(codec);
    EXPECT_EQ(nothing.error().code, Errc::corrupt);
    const auto noise = Decompressor().decompress(codec, Buffer(100, std::byte{0xff}), out);
    ASSERT_FALSE(noise) << codec_name(codec);
    EXPECT_EQ(noise.error().code, Errc::corrupt);
  }
}

TEST(Codec, GoesOnAfterDamagedData) {
  const Buffer page = page_of_text("some page");
  for (const Codec codec : codecs) {
    if (!codec_built_in(codec)) continue;
    const Decompressor decompressor;
    const Buffer packed = compress(codec, page);
    for (int i = 0; i < 3; ++i) {
      Buffer out(page.size());
      EXPECT_FALSE(decompressor.decompress(codec, Bytes(packed).first(packed.size() - 1), out))
          << codec_name(codec);
      EXPECT_TRUE(decompressor.decompress(codec, packed, out)) << codec_name(codec);
      EXPECT_EQ(out, page) << codec_name(codec);
    }
  }
}

TEST(Codec, NamesItselfWhenNotBuiltIn) {
  for (const Codec codec : codecs) {
    if (codec_built_in(codec)) continue;
    Buffer out(4096);
    const auto done = Decompressor().decompress(codec, Buffer(100), out);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::unsupported);
    EXPECT_THAT(done.error().message, testing::HasSubstr(codec_name(codec)));
    EXPECT_THAT(done.error().hint, testing::HasSubstr(codec_name(codec)));
  }
}

}  // namespace
}  // namespace memsect::test
