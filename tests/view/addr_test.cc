#include "view/addr.h"

#include <gmock/gmock.h>

namespace memsect {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Written {
  std::string text;
  bool absences = false;
};

Written render(const MemoryModel& model, const AddrAnswer& answer, std::string_view format) {
  const Report report = make_addr_report(model, answer);
  Written written;
  const auto outcome = find_renderer(format)->render(report, {}, [&](std::string_view piece) {
    written.text += piece;
    return true;
  });
  EXPECT_TRUE(outcome) << outcome.error().message;
  written.absences = outcome && outcome->absences;
  return written;
}

/// Section 1 with a page in use.
struct Answered {
  MemoryModel model;
  AddrAnswer answer;
  Answered() {
    model.migratetypes = {"Unmovable", "Movable"};
    model.sections.emplace_back().nr = SectionNr(1);
    AddressFacts& facts = answer.facts;
    answer.target = "pfn:0x8003";
    answer.target_kind = "pfn";
    facts.phys = PhysAddr(0x8003000);
    facts.virt = VirtAddr(0xffff888008003000);
    facts.pfn = Pfn(0x8003);
    facts.section = &model.sections[0];
    facts.subsection = std::uint64_t{0};
    facts.pageblock = std::uint64_t{0};
    facts.pageblock_state = Pageblock{1, false, false};
    facts.node = NodeId{0};
    facts.zone = std::string("DMA32");
    PageDetails page;
    page.type = "slab";
    page.flag_names = {"lru", "head"};
    page.slab_cache = std::string("dentry");
    page.compound = Compound::head;
    page.order = 1U;
    facts.page = std::move(page);
  }
};

TEST(AddrReport, HasTheKeysOfTheContract) {
  Answered with;
  with.answer.objects = {{"usage", VirtAddr(0x1000), 56, {SectionNr(3)}, {}},
                         {"pgdat", VirtAddr(0x2000), 100, {}, {NodeId{1}}}};
  const std::string json = render(with.model, with.answer, "json").text;
  for (const char* key : {"phys", "virt", "pfn", "section", "subsection", "pageblock", "migratetype", "node",
                          "zone", "block", "object", "page", "kind", "address", "of_sections", "of_nodes"}) {
    EXPECT_THAT(json, HasSubstr("\"" + std::string(key) + "\": ")) << key;
  }
  EXPECT_THAT(json, HasSubstr("\"migratetype\": \"Movable\""));
  EXPECT_THAT(json, HasSubstr("\"slab_cache\": \"dentry\""));
  EXPECT_THAT(json, HasSubstr("\"refcount\": 0"));
  const std::string csv = render(with.model, with.answer, "csv").text;
  EXPECT_THAT(csv, HasSubstr("object,\"usage of section 3 at 0x1000, 56 bytes\"\n"));
  EXPECT_THAT(csv, HasSubstr("object,\"pgdat of node 1 at 0x2000, 100 bytes\"\n"));
  EXPECT_THAT(csv, HasSubstr("page.compound,head\n"));
  EXPECT_THAT(csv, HasSubstr("page.flag_names,\"lru,head\"\n"));
}

TEST(AddrReport, HasNoObjectWhereThereIsNone) {
  const Answered with;
  EXPECT_THAT(render(with.model, with.answer, "json").text, HasSubstr("\"object\": null"));
  EXPECT_THAT(render(with.model, with.answer, "csv").text, HasSubstr("object,\n"));
}

TEST(AddrReport, SaysThatNothingIsThereWithoutComplaint) {
  Answered with;
  const Error none{Errc::not_applicable, "section 9 is not present", {}};
  with.model.blocks = std::vector<MemoryBlock>();
  with.answer.facts.section = nullptr;
  with.answer.facts.no_section = none;
  with.answer.facts.page = none;
  const Written table = render(with.model, with.answer, "table");
  EXPECT_THAT(table.text, HasSubstr("Nothing is there: section 9 is not present."));
  EXPECT_FALSE(table.absences);
}

TEST(AddrReport, ComplainsOfAPageThatShouldBeThere) {
  Answered with;
  with.answer.facts.page = Error{Errc::excluded, "the page was filtered out", {}};
  const Written table = render(with.model, with.answer, "table");
  EXPECT_THAT(table.text, HasSubstr("No struct page: the page was filtered out."));
  EXPECT_TRUE(table.absences);
  EXPECT_THAT(table.text, Not(HasSubstr("page.flags")));
}

TEST(AddrReport, WarnsOfStalePages) {
  Answered with;
  with.answer.facts.stale = true;
  EXPECT_THAT(render(with.model, with.answer, "table").text, HasSubstr("The page is not online"));
}

}  // namespace
}  // namespace memsect
