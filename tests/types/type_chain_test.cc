#include "types/type_chain.h"
#include "types/settling.h"

#include <gtest/gtest.h>

#include <map>

namespace memsect {
namespace {

/// Knows the structs it is told, by their size. Counts what it is asked.
class FakeTypes final : public TypeSource {
 public:
  FakeTypes(std::string origin, std::map<std::string, std::uint64_t, std::less<>> structs,
            Errc otherwise = Errc::no_type)
      : origin_(std::move(origin)), structs_(std::move(structs)), otherwise_(otherwise) {}

  std::string_view origin() const override { return origin_; }
  Result<StructLayout> find_struct(std::string_view name) const override {
    const auto found = structs_.find(name);
    if (found == structs_.end()) return Error{otherwise_, origin_ + " does not know it", {}};
    StructLayout layout;
    layout.name = name;
    layout.size = found->second;
    layout.origin = origin_;
    return layout;
  }
  Result<std::int64_t> find_enumerator(std::string_view enum_name, std::string_view) const override {
    if (enum_name != origin_) return Error{Errc::no_type, origin_ + " does not know it", {}};
    return 1;
  }
  Result<std::vector<Enumerator>> enumerators_of(std::string_view name) const override {
    if (name != origin_) return Error{otherwise_, origin_ + " does not know it", {}};
    return std::vector<Enumerator>{{"X", 1}};
  }
  bool has_enum(std::string_view name) const override { return name == origin_; }
  Result<unsigned> parameter_count(std::string_view function) const override {
    if (function != origin_) return Error{Errc::no_type, origin_ + " does not know it", {}};
    return 2U;
  }

 private:
  std::string origin_;
  std::map<std::string, std::uint64_t, std::less<>> structs_;
  Errc otherwise_;
};

std::unique_ptr<TypeSource> chain(std::unique_ptr<TypeSource> first, OpenTypes open_second) {
  std::vector<OpenTypes> others;
  others.push_back(std::move(open_second));
  return make_type_chain(std::move(first), std::move(others));
}

/// first knows page and zone, second zone and xa_node; `opened` counts.
std::unique_ptr<TypeSource> chain_of_two(int& opened) {
  return chain(
      std::make_unique<FakeTypes>(
          "first", std::map<std::string, std::uint64_t, std::less<>>{{"page", 64}, {"zone", 1}}),
      [&opened]() -> Result<std::unique_ptr<TypeSource>> {
        ++opened;
        return std::unique_ptr<TypeSource>(std::make_unique<FakeTypes>(
            "second", std::map<std::string, std::uint64_t, std::less<>>{{"zone", 2}, {"xa_node", 576}}));
      });
}

TEST(TypeChain, AnswersFromTheFirstSourceWithoutOpeningTheSecond) {
  int opened = 0;
  const auto types = chain_of_two(opened);
  EXPECT_EQ(types->find_struct("page")->size, 64U);
  EXPECT_EQ(types->find_struct("zone")->origin, "first");
  EXPECT_EQ(types->origin(), "first");
  EXPECT_EQ(opened, 0);
}

TEST(TypeChain, FillsGapsFromTheSecondSourceOpenedOnce) {
  int opened = 0;
  const auto types = chain_of_two(opened);
  const auto node = types->find_struct("xa_node");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->size, 576U);
  EXPECT_EQ(node->origin, "second");
  EXPECT_TRUE(types->find_struct("xa_node"));
  EXPECT_EQ(types->find_struct("zone")->origin, "first");
  EXPECT_EQ(types->find_struct("nowhere").error().message, "first does not know it");
  EXPECT_EQ(opened, 1);
}

TEST(TypeChain, FillsGapsOfEnumeratorsAndFunctionsToo) {
  int opened = 0;
  const auto types = chain_of_two(opened);
  EXPECT_EQ(types->find_enumerator("first", "X"), 1);
  EXPECT_TRUE(types->has_enum("first"));
  EXPECT_EQ(types->parameter_count("first"), 2U);
  EXPECT_EQ(opened, 0);
  EXPECT_EQ(types->find_enumerator("second", "X"), 1);
  EXPECT_TRUE(types->has_enum("second"));
  EXPECT_EQ(types->parameter_count("second"), 2U);
  EXPECT_FALSE(types->find_enumerator("absent", "X"));
  EXPECT_FALSE(types->has_enum("absent"));
  EXPECT_FALSE(types->parameter_count("absent"));
  EXPECT_EQ(opened, 1);
}

/// Knows nothing, and says that there is nothing of that name.
class SettledTypes final : public SettlingTypes {
 public:
  std::string_view origin() const override { return "settled"; }
  Result<StructLayout> find_struct(std::string_view) const override { return absent(); }
  Result<std::int64_t> find_enumerator(std::string_view, std::string_view) const override { return absent(); }
  bool has_enum(std::string_view name) const override { return name == "whole"; }
  Result<unsigned> parameter_count(std::string_view) const override { return absent(); }
  bool settles(std::string_view name) const override { return name == "page" || name == "LOOSE"; }
  bool settles_function(std::string_view name) const override { return name == "inlined"; }

 private:
  static Error absent() { return {Errc::no_type, "there is none", {}}; }
};

TEST(TypeChain, AsksNobodyElseWhereTheFirstSettlesIt) {
  int opened = 0;
  const auto types =
      chain(std::make_unique<SettledTypes>(), [&opened]() -> Result<std::unique_ptr<TypeSource>> {
        ++opened;
        return std::unique_ptr<TypeSource>(std::make_unique<FakeTypes>(
            "second", std::map<std::string, std::uint64_t, std::less<>>{{"page", 1}, {"zone", 2}}));
      });
  EXPECT_EQ(types->find_struct("page").error().code, Errc::no_type);
  EXPECT_FALSE(types->has_enum("page"));
  EXPECT_FALSE(types->find_enumerator("", "LOOSE"));
  EXPECT_FALSE(
      types->find_enumerator("whole", "NOT_IN_IT"));  // the enum is there, and has no such enumerator
  EXPECT_FALSE(types->parameter_count("inlined"));
  EXPECT_EQ(opened, 0);
  EXPECT_EQ(types->find_struct("zone")->size, 2U);
  EXPECT_EQ(opened, 1);
}

TEST(TypeChain, FillsGapsInWholeEnumsFromTheSecondSource) {
  int opened = 0;
  const auto types = chain_of_two(opened);
  ASSERT_TRUE(types->enumerators_of("first"));
  EXPECT_EQ(opened, 0);
  const auto second = types->enumerators_of("second");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->at(0).name, "X");
  EXPECT_EQ(types->enumerators_of("nowhere").error().message, "first does not know it");
  EXPECT_EQ(opened, 1);
}

TEST(TypeChain, TriesASecondSourceThatCannotBeOpenedOnce) {
  int opened = 0;
  const auto types =
      chain(std::make_unique<FakeTypes>("first", std::map<std::string, std::uint64_t, std::less<>>{}),
            [&opened]() -> Result<std::unique_ptr<TypeSource>> {
              ++opened;
              return Error{Errc::io, "cannot be opened", {}};
            });
  for (const char* name : {"page", "zone"}) {
    const auto layout = types->find_struct(name);
    ASSERT_FALSE(layout);
    EXPECT_EQ(layout.error().code, Errc::no_type);
    EXPECT_EQ(layout.error().message, "first does not know it");
  }
  EXPECT_EQ(opened, 1);
}

TEST(TypeChain, ReportsAFailureOfTheFirstSourceWhereNobodyElseKnows) {
  int opened = 0;
  const auto types = chain(std::make_unique<FakeTypes>(
                               "first", std::map<std::string, std::uint64_t, std::less<>>{}, Errc::corrupt),
                           [&opened]() -> Result<std::unique_ptr<TypeSource>> {
                             ++opened;
                             return Error{Errc::io, "cannot be opened", {}};
                           });
  EXPECT_EQ(types->find_struct("page").error().code, Errc::corrupt);
  EXPECT_EQ(opened, 1);
}

TEST(TypeChain, AnswersFromTheSecondSourceWhereTheFirstFails) {
  const auto types =
      chain(std::make_unique<FakeTypes>("first", std::map<std::string, std::uint64_t, std::less<>>{},
                                        Errc::unsupported),
            []() -> Result<std::unique_ptr<TypeSource>> {
              return std::unique_ptr<TypeSource>(std::make_unique<FakeTypes>(
                  "second", std::map<std::string, std::uint64_t, std::less<>>{{"page", 56}}));
            });
  ASSERT_TRUE(types->find_struct("page"));
  EXPECT_EQ(types->find_struct("page")->origin, "second");
  EXPECT_EQ(types->find_struct("zone").error().code, Errc::unsupported);
}

TEST(TypeChain, ReportsAFailureOfTheSecondSourceAsItsReason) {
  const auto types =
      chain(std::make_unique<FakeTypes>("first", std::map<std::string, std::uint64_t, std::less<>>{}),
            []() -> Result<std::unique_ptr<TypeSource>> {
              return std::unique_ptr<TypeSource>(std::make_unique<FakeTypes>(
                  "second", std::map<std::string, std::uint64_t, std::less<>>{}, Errc::corrupt));
            });
  EXPECT_EQ(types->find_struct("page").error().code, Errc::corrupt);
}

}  // namespace
}  // namespace memsect
