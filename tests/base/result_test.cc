#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace memsect {
namespace {

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 7;
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 7);
  const Result<int> bad = Error{Errc::excluded, "left out", {}};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::excluded);
  const Result<void> done;
  EXPECT_TRUE(done);
}

TEST(Result, CarriesWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(*made);
  EXPECT_EQ(*taken, 3);
}

TEST(Error, NamesTheOuterPlaceBeforeTheInnerOne) {
  const Error error =
      Error{Errc::truncated, "ends after 12 bytes", "copy it again"}.within("sub header").within("vmcore");
  EXPECT_EQ(error.message, "vmcore: sub header: ends after 12 bytes");
  EXPECT_EQ(error.hint, "copy it again");
  EXPECT_EQ(Error(error).with_hint("or not").hint, "or not");
}

TEST(Error, HasAReasonOfTheOutputContractWhateverItsCode) {
  struct Case {
    Errc code;
    std::string_view reason;
  };
  for (const Case& c : {Case{Errc::io, "truncated"}, Case{Errc::bad_format, "corrupt"},
                        Case{Errc::unsupported, "unsupported"}, Case{Errc::truncated, "truncated"},
                        Case{Errc::not_in_dump, "not_in_dump"}, Case{Errc::excluded, "excluded"},
                        Case{Errc::not_mapped, "not_mapped"}, Case{Errc::no_symbol, "unsupported"},
                        Case{Errc::no_type, "unsupported"}, Case{Errc::no_member, "unsupported"},
                        Case{Errc::corrupt, "corrupt"}, Case{Errc::mismatch, "corrupt"},
                        Case{Errc::not_applicable, "not_applicable"}, Case{Errc::usage, "corrupt"},
                        Case{Errc::in_flux, "in_flux"}}) {
    EXPECT_EQ(absence_reason(c.code), c.reason);
  }
}

}  // namespace
}  // namespace memsect
