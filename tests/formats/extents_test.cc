#include "formats/extents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace memsect {
namespace {

/// One letter for each position below `size`: the source that has it, or a dot.
std::string map_of(const std::vector<Extent>& extents, std::uint64_t size) {
  std::string map;
  for (std::uint64_t at = 0; at < size; ++at) {
    const Extent* const extent = find_extent(extents, at);
    map += extent == nullptr ? '.' : static_cast<char>('a' + extent->source);
  }
  return map;
}

TEST(Extents, AreServedByTheLowestRank) {
  const struct {
    const char* what;
    std::vector<Extent> extents;
    const char* expected;
  } rows[] = {
      {"none", {}, "........"},
      {"apart", {{1, 3, 0, 0}, {5, 6, 1, 1}}, ".aa..b.."},
      {"touching", {{3, 5, 0, 0}, {1, 3, 1, 1}}, ".bbaa..."},
      {"lower rank begins first", {{1, 4, 0, 0}, {2, 6, 1, 1}}, ".aaabb.."},
      {"lower rank begins later", {{1, 4, 1, 1}, {2, 6, 0, 0}}, ".baaaa.."},
      {"lower rank inside", {{0, 8, 1, 1}, {3, 5, 0, 0}}, "bbbaabbb"},
      {"higher rank inside", {{0, 8, 0, 0}, {3, 5, 1, 1}}, "aaaaaaaa"},
      {"the same twice", {{1, 3, 1, 1}, {1, 3, 0, 0}}, ".aa....."},
      {"empty ones", {{2, 2, 0, 0}, {1, 3, 1, 1}, {3, 3, 2, 2}}, ".bb....."},
      {"three deep", {{3, 4, 0, 0}, {1, 5, 1, 1}, {0, 8, 2, 2}}, "cbbabccc"},
  };
  for (const auto& row : rows) EXPECT_EQ(map_of(resolve_overlaps(row.extents), 8), row.expected) << row.what;
}

TEST(Extents, OfOneSourceAreJoined) {
  const auto joined = resolve_overlaps({{0, 4, 0, 7}, {4, 6, 1, 7}, {2, 5, 2, 8}, {6, 7, 3, 9}});
  ASSERT_EQ(joined.size(), 2U);
  EXPECT_EQ(joined[0].end, 6U);
  EXPECT_EQ(joined[1].source, 9U);
}

TEST(Extents, ReachTheLastAddress) {
  const std::uint64_t last = ~std::uint64_t{0};
  const auto extents = resolve_overlaps({{last - 2, last, 0, 0}, {0, last, 1, 1}});
  EXPECT_EQ(find_extent(extents, last - 1)->source, 0U);
  EXPECT_EQ(find_extent(extents, last - 3)->source, 1U);
  EXPECT_EQ(find_extent(extents, last), nullptr);
}

TEST(Extents, AreDisjointAndServedByTheLowestRankWhateverTheyAre) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<Extent> extents(random() % 12);
    for (std::uint32_t i = 0; i < extents.size(); ++i) {
      const std::uint64_t start = random() % 30;
      extents[i] = {start, start + random() % 10, i, i};
    }
    std::shuffle(extents.begin(), extents.end(), random);
    std::string expected(40, '.');
    std::sort(extents.begin(), extents.end(),
              [](const Extent& a, const Extent& b) { return a.rank > b.rank; });
    for (const Extent& extent : extents) {
      std::fill(expected.begin() + static_cast<std::ptrdiff_t>(extent.start),
                expected.begin() + static_cast<std::ptrdiff_t>(extent.end),
                static_cast<char>('a' + extent.source));
    }
    std::shuffle(extents.begin(), extents.end(), random);
    const auto disjoint = resolve_overlaps(extents);
    EXPECT_EQ(map_of(disjoint, 40), expected) << "round " << round;
    for (std::size_t i = 1; i < disjoint.size(); ++i) EXPECT_LE(disjoint[i - 1].end, disjoint[i].start);
  }
}

}  // namespace
}  // namespace memsect
