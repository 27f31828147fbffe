#include "base/notes.h"

#include <gmock/gmock.h>

namespace memsect {
namespace {

using testing::ElementsAre;

TEST(Notes, StandInTheOrderTheyWereMadeAndOnceEach) {
  Notes notes;
  notes.warn("cut off", "copy it again");
  notes.note("no BTF");
  notes.warn("cut off", "copy it again");
  EXPECT_THAT(notes.all(), ElementsAre(Note{Severity::warning, "cut off", "copy it again"},
                                       Note{Severity::note, "no BTF", ""}));
}

TEST(Notes, AreDifferentWhenAnyPartDiffers) {
  Notes notes;
  notes.note("a");
  notes.warn("a");
  notes.note("a", "do");
  EXPECT_EQ(notes.all().size(), 3U);
}

TEST(Notes, TakeThoseOfOthersButNotTwice) {
  Notes first;
  first.note("a");
  Notes second;
  second.note("b");
  second.note("a");
  first.append(second);
  EXPECT_THAT(first.all(), ElementsAre(Note{Severity::note, "a", ""}, Note{Severity::note, "b", ""}));
  first.append(first);
  EXPECT_EQ(first.all().size(), 2U);
}

}  // namespace
}  // namespace memsect
