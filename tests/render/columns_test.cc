#include "render/columns.h"

#include <gmock/gmock.h>

namespace memsect {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Table table_of_four() {
  Table table;
  table.columns = {{"NR", "section number", Align::right},
                   {"MEM_MAP", "struct pages"},
                   {"NODE", "node", Align::right, false},
                   {"HOLDS", "what lies in it", Align::left, false}};
  return table;
}

TEST(Columns, AreTheDefaultOnesWhenNoneIsNamed) {
  EXPECT_THAT(*select_columns(table_of_four(), {}), ElementsAre(0, 1));
}

TEST(Columns, StandAsTheyAreNamedInAnyCaseAndRepetition) {
  EXPECT_THAT(*select_columns(table_of_four(), {"holds", "Nr", "NR"}), ElementsAre(3, 0, 0));
}

TEST(Columns, BehindAPlusFollowTheDefaultOnesOnce) {
  EXPECT_THAT(*select_columns(table_of_four(), {"+node", "holds", "nr"}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(*select_columns(table_of_four(), {"+HOLDS", "+NODE"}), ElementsAre(0, 1, 3, 2));
}

TEST(Columns, ThatDoNotExistAreAUsageErrorThatListsThoseThatDo) {
  for (const std::string name : {"MEMMAP", "", "+", "NR ", "MEM_MAPS", "\033[2J"}) {
    const auto selected = select_columns(table_of_four(), {name});
    ASSERT_FALSE(selected) << name;
    EXPECT_EQ(selected.error().code, Errc::usage);
    EXPECT_EQ(selected.error().hint, "the columns are NR, MEM_MAP, NODE, HOLDS");
    EXPECT_THAT(selected.error().message, testing::Not(HasSubstr("\033")));
  }
  EXPECT_EQ(select_columns(table_of_four(), {"NR", "bogus"}).error().message, "there is no column \"bogus\"");
}

}  // namespace
}  // namespace memsect
