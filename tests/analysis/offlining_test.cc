// Verdicts on offlining from a model and a scan made up for each case.
#include "analysis/offlining.h"

#include <gmock/gmock.h>

#include "support/model_text.h"

namespace memsect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t pages_per_section = 0x8000;

/// Sections 0 to 3, each a memory block of one zone, all of it System RAM.
struct Machine {
  explicit Machine(const std::string& text = {}) {
    auto parsed = parse_model("geometry section=128M usage=56\nsection 0-3 online node=0\n" + text);
    EXPECT_TRUE(parsed) << parsed.error().message;
    model = std::move(*parsed);
    model.geometry.sections_per_block = 1;
    model.geometry.pageblock_order = 9;
    model.geometry.pageblock_bits = 4;
    model.migratetypes = {"Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"};
    model.blocks = std::vector<MemoryBlock>();
    for (std::uint64_t id = 0; id < 4; ++id) {
      MemoryBlock block;
      block.id = id;
      block.start_section = SectionNr(id);
      block.state = "online";
      block.zone = std::string("Normal");
      model.blocks->push_back(std::move(block));
      model.sections[id].pageblocks = std::vector<Pageblock>(64, Pageblock{1, false, false});
    }
    rules.block_has_zone = true;
    rules.resources = std::vector<Resource>{{PhysAddr(0), PhysAddr(0x1fffffff), "System RAM", true, 0}};
  }
  OfflineJudgement judge(std::size_t block, const PageScan& scan = {}) const {
    const OfflineJudge judge(model, rules, {"DMA", "DMA32", "Normal", "Movable"});
    return judge.judge(unit_of_block(model, (*model.blocks)[block]), scan);
  }
  MemoryBlock& block(std::size_t i) { return (*model.blocks)[i]; }

  MemoryModel model;
  OfflineRules rules;
};

PageScan scan_with(std::uint64_t pfn, std::uint64_t pages, PageUse use) {
  PageScan scan;
  scan.pages = pages_per_section;
  scan.runs.push_back({{Pfn(pfn), pages}, use, 0});
  scan.caches.emplace_back("dentry");
  return scan;
}

std::vector<std::string> codes_of(const OfflineJudgement& judgement) {
  std::vector<std::string> codes;
  for (const Reason& reason : judgement.reasons)
    codes.push_back(std::string(reason.code) + " " + std::string(reason_severity_name(reason.severity)));
  return codes;
}

TEST(Offlining, FindsNothingInTheWayOfAnOrdinaryBlock) {
  const OfflineJudgement judgement = Machine().judge(1);
  EXPECT_EQ(judgement.verdict, OfflineVerdict::no_blocker_found);
  EXPECT_THAT(judgement.reasons, IsEmpty());
  EXPECT_EQ(judgement.error, "");
  EXPECT_EQ(judgement.remove, OfflineVerdict::no_blocker_found);
}

TEST(Offlining, IsRefusedWithEinvalWithoutAZone) {
  Machine machine;
  machine.block(0).zone = std::string();
  PageScan scan;
  scan.zones = {1, 0};
  const OfflineJudgement judgement = machine.judge(0, scan);
  EXPECT_EQ(judgement.verdict, OfflineVerdict::blocked);
  EXPECT_EQ(judgement.error, "EINVAL");
  EXPECT_THAT(codes_of(judgement), ElementsAre("multiple_zones permanent"));
  EXPECT_THAT(judgement.reasons.front().text, HasSubstr("zones DMA, DMA32"));
}

TEST(Offlining, AsksThePagesForTheirZonesWhereTheBlockNamesNone) {  // before 5.18
  Machine machine;
  machine.rules.block_has_zone = false;
  PageScan scan;
  scan.nodes = {NodeId{1}, NodeId{0}};
  EXPECT_THAT(codes_of(machine.judge(0, scan)), ElementsAre("multiple_nodes permanent"));
  scan.nodes = {NodeId{1}};
  EXPECT_EQ(machine.judge(0, scan).verdict, OfflineVerdict::no_blocker_found);
}

TEST(Offlining, IsRefusedForHolesInTheResourceTree) {
  Machine machine;
  machine.rules.resources->front().last = PhysAddr(0x1fffefff);
  const OfflineJudgement judgement = machine.judge(3);
  EXPECT_THAT(codes_of(judgement), ElementsAre("memory_hole permanent"));
  EXPECT_EQ(judgement.reasons.front().count, 1U);
  EXPECT_EQ(judgement.error, "EINVAL");
}

TEST(Offlining, ExplainsPagesByTheObjectsInThem) {
  const Machine machine(
      "section 8 online node=0 usage@0x8001000/boot memmap@0x8200000+2M\n"
      "node 0 pgdat@0x8002000+4K\n");
  PageScan scan = scan_with(0x8001, 0x10, PageUse::reserved);
  scan.runs.push_back({{Pfn(0x8200), 1}, PageUse::other, 0});
  const OfflineJudgement judgement = machine.judge(1, scan);
  EXPECT_THAT(codes_of(judgement),
              ::testing::UnorderedElementsAre("holds_pgdat permanent", "holds_usage permanent",
                                              "unmovable_reserved permanent", "holds_memmap now"));
  for (const Reason& reason : judgement.reasons) {
    if (reason.code == "holds_usage") {
      EXPECT_THAT(reason.of_sections, ElementsAre(SectionNr(8)));
      EXPECT_EQ(reason.section, SectionNr(1));
    }
  }
}

TEST(Offlining, PassesOverObjectsInPagesThatCanMove) {
  // Memmap that the block hosts itself, or whose section has gone: its page is not in the way.
  const Machine machine("section 8 online node=0 memmap@0x8200000+2M\n");
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::no_blocker_found);
}

TEST(Offlining, DoesNotLookAtTheMemmapThatABlockHostsItself) {
  Machine machine;
  machine.block(2).altmap_pages = 512;
  const OfflineUnit unit = unit_of_block(machine.model, machine.block(2));
  EXPECT_EQ(unit.tested.start, PhysAddr(0x10200000));
  EXPECT_EQ(unit.tested.end(), unit.range.end());
  EXPECT_EQ(machine.judge(2).verdict, OfflineVerdict::no_blocker_found);
}

TEST(Offlining, NamesSlabCachesAndWhatReservedMemoryIs) {
  Machine machine;
  machine.rules.resources->push_back({PhysAddr(0x8000000), PhysAddr(0x8ffffff), "Crash kernel", true, 1});
  PageScan scan = scan_with(0x8010, 4, PageUse::reserved);
  scan.runs.push_back({{Pfn(0xa000), 3}, PageUse::slab, 0});
  const OfflineJudgement judgement = machine.judge(1, scan);
  EXPECT_THAT(codes_of(judgement), ElementsAre("crashkernel permanent", "unmovable_slab now"));
  EXPECT_THAT(judgement.reasons[1].text, HasSubstr("dentry 3"));
  EXPECT_EQ(judgement.reasons[1].pageblock_count, 1U);
  EXPECT_EQ(judgement.error, "EBUSY");
}

TEST(Offlining, TellsWhatVmallocHasMappedFromMemoryThatNobodyExplains) {
  Machine machine;
  const PageScan scan = scan_with(0x8001, 0x10, PageUse::other);
  EXPECT_THAT(codes_of(machine.judge(1, scan)), ElementsAre("unmovable_other now"));
  machine.rules.vmalloc = VmallocPages{};
  machine.rules.vmalloc->pages.add({PhysAddr(0x8003000), 0x2000});
  machine.rules.vmalloc->pages.add({PhysAddr(0x8008000), 0x1000});
  const OfflineJudgement judgement = machine.judge(1, scan);
  EXPECT_THAT(codes_of(judgement), ElementsAre("unmovable_other now", "unmovable_vmalloc now"));
  EXPECT_EQ(judgement.reasons.front().count, 13U);
  EXPECT_EQ(judgement.reasons.back().count, 3U);
  EXPECT_THAT(judgement.reasons.back().first_pages, ElementsAre(Pfn(0x8003), Pfn(0x8004), Pfn(0x8008)));
  EXPECT_THAT(judgement.reasons.front().text, HasSubstr("(kernel stacks, drivers"));
  machine.rules.vmalloc->has_stacks = true;
  EXPECT_THAT(machine.judge(1, scan).reasons.front().text, HasSubstr("(drivers"));
  EXPECT_THAT(machine.judge(1, scan).reasons.back().text, HasSubstr("(kernel stacks, modules"));
  machine.rules.vmalloc->complete = false;
  EXPECT_THAT(machine.judge(1, scan).reasons.front().text, HasSubstr("(vmalloc, per-CPU data, drivers"));
}

TEST(Offlining, IsRefusedForCmaAndForIsolatedPageblocks) {
  Machine machine;
  (*machine.model.sections[1].pageblocks)[3].migratetype = 4;
  (*machine.model.sections[2].pageblocks)[5].isolated = true;
  EXPECT_THAT(codes_of(machine.judge(1)), ElementsAre("cma permanent"));
  EXPECT_THAT(codes_of(machine.judge(2)), ElementsAre("isolated now"));
  machine.block(2).state = "going_offline";
  EXPECT_THAT(codes_of(machine.judge(2)), ElementsAre("going_offline hint"));
}

TEST(Offlining, HoldsBackOnlyAsHintsWhatDoesNotRefuse) {
  Machine machine;
  machine.rules.free_pages = 10;
  PageScan scan = scan_with(0x8010, 4, PageUse::offline);
  scan.movable = 100;
  scan.pinned = {2, {Pfn(0x8020), Pfn(0x8021)}};
  const OfflineJudgement judgement = machine.judge(1, scan);
  EXPECT_EQ(judgement.verdict, OfflineVerdict::no_blocker_found);
  EXPECT_THAT(codes_of(judgement), ElementsAre("page_offline hint", "maybe_gup_pinned hint", "no_room hint"));
}

TEST(Offlining, TellsWhoTookPagesOut) {
  Machine machine;
  EXPECT_EQ(machine.judge(1, scan_with(0x8010, 4, PageUse::offline_in_use)).verdict, OfflineVerdict::blocked);
  machine.rules.resources->push_back(
      {PhysAddr(0x8000000), PhysAddr(0xfffffff), "System RAM (virtio_mem)", true, 1});
  const OfflineJudgement judgement = machine.judge(1, scan_with(0x8010, 4, PageUse::offline_in_use));
  EXPECT_EQ(judgement.verdict, OfflineVerdict::no_blocker_found);
  EXPECT_THAT(judgement.reasons.front().text, HasSubstr("virtio-mem"));
}

TEST(Offlining, KeepsBootMemoryWhereTheMachineDoes) {
  Machine machine;
  machine.model.sections[1].flags.early = true;
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::no_blocker_found);
  machine.rules.early_memory_stays = true;
  EXPECT_THAT(codes_of(machine.judge(1)), ElementsAre("early_boot_memory_arch_veto permanent"));
  EXPECT_EQ(machine.judge(2).verdict, OfflineVerdict::no_blocker_found);
  machine.rules.keeps_below = 0x10000001;
  EXPECT_THAT(codes_of(machine.judge(2)), ElementsAre("crashkernel permanent"));
  EXPECT_EQ(machine.judge(3).verdict, OfflineVerdict::no_blocker_found);
}

TEST(Offlining, AsksTheHypervisorsBlocksForRemoval) {
  Machine machine;
  const PhysRange second{PhysAddr(0x8000000), 0x8000000};
  machine.rules.lmbs = std::vector<Lmb>{{second, true, false, false}};
  EXPECT_EQ(machine.judge(1).remove, OfflineVerdict::no_blocker_found);
  EXPECT_THAT(machine.judge(1).remove_text, HasSubstr("DLPAR"));
  machine.rules.lmbs = std::vector<Lmb>{{second, true, true, false}};
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::no_blocker_found);
  EXPECT_EQ(machine.judge(1).remove, OfflineVerdict::blocked);
  EXPECT_THAT(machine.judge(1).remove_text, HasSubstr("reserved by firmware"));
  EXPECT_THAT(machine.judge(2).remove_text, HasSubstr("DIMM"));  // none covers it
  machine.rules.lmbs = Error{Errc::excluded, "filtered out", {}};
  EXPECT_EQ(machine.judge(1).remove, OfflineVerdict::unknown);
  EXPECT_THAT(machine.judge(1).remove_text, HasSubstr("filtered out"));
}

TEST(Offlining, IsBlockedInKernelsWithoutHotRemove) {
  Machine machine;
  machine.model.hot_plug = HotPlug::add_only;
  const OfflineJudgement judgement = machine.judge(1);
  EXPECT_EQ(judgement.verdict, OfflineVerdict::blocked);
  EXPECT_EQ(judgement.error, "EINVAL");
  EXPECT_THAT(codes_of(judgement), ElementsAre("no_hot_remove permanent"));
  EXPECT_EQ(judgement.remove, OfflineVerdict::blocked);
  machine.model.sections[0].flags.online = false;
  const std::vector<OfflineJudgement> offline{machine.judge(0)};
  ASSERT_EQ(offline.front().verdict, OfflineVerdict::offline);
  EXPECT_EQ(offline.front().remove, OfflineVerdict::blocked);
  EXPECT_THAT(plan_offlining(offline), IsEmpty());
  machine.model.hot_plug = HotPlug::none;
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::no_block);
}

TEST(Offlining, IsRefusedForAHugePageOverItsEndByOlderKernels) {
  Machine machine;
  PageScan scan;
  scan.straddling_hugetlb = Pfn(0x8000);
  EXPECT_EQ(machine.judge(1, scan).verdict, OfflineVerdict::no_blocker_found);
  machine.rules.refuses_straddling_hugetlb = true;
  EXPECT_THAT(codes_of(machine.judge(1, scan)), ElementsAre("unmovable_hugetlb now"));
}

TEST(Offlining, IsUnknownWithoutItsEvidence) {
  Machine machine;
  PageScan scan;
  scan.not_read = 5;
  scan.why_not_read = Error{Errc::excluded, "filtered out", {}};
  EXPECT_EQ(machine.judge(1, scan).verdict, OfflineVerdict::unknown);
  EXPECT_THAT(machine.judge(1, scan).reasons.front().text, HasSubstr("filtered out"));
  machine.model.sections[2].pageblocks = Error{Errc::truncated, "cut off", {}};
  EXPECT_EQ(machine.judge(2).verdict, OfflineVerdict::unknown);
  machine.rules.resources = Error{Errc::no_symbol, "no iomem_resource", {}};
  EXPECT_EQ(machine.judge(3).verdict, OfflineVerdict::unknown);
  // One reason that can be seen is enough.
  EXPECT_EQ(machine.judge(3, scan_with(0x18000, 1, PageUse::reserved)).verdict, OfflineVerdict::blocked);
}

TEST(Offlining, KnowsWhatAPermanentObjectDoesToPagesThatCannotBeRead) {
  const Machine machine("node 0 pgdat@0x8002000+4K\n");
  PageScan scan;
  scan.not_read = pages_per_section;
  EXPECT_EQ(machine.judge(1, scan).verdict, OfflineVerdict::blocked);
}

TEST(Offlining, LeavesAloneWhatIsOfflineOrNoBlock) {
  Machine machine;
  machine.model.sections[1].flags.online = false;
  machine.block(1).state = "offline";
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::offline);
  EXPECT_FALSE(OfflineJudge::wants_scan(unit_of_block(machine.model, machine.block(1))));
  machine.model.blocks->erase(machine.model.blocks->begin() + 1);
  const OfflineJudge judge(machine.model, machine.rules, {});
  const OfflineJudgement device = judge.judge(unit_of_section(machine.model, machine.model.sections[1]), {});
  EXPECT_EQ(device.verdict, OfflineVerdict::no_block);
  EXPECT_THAT(codes_of(device), ElementsAre("zone_device hint"));
}

TEST(Offlining, IsPlannedDependentsFirst) {
  // Block 1 holds the struct pages of block 2, block 0 a pgdat.
  Machine machine("node 0 pgdat@0x2000\n");
  machine.model.sections[2].memmap =
      Memmap{VirtAddr(0), 2 << 20, {{PhysAddr(0x8200000), 2 << 20}}, 0, Allocation::buddy};
  const std::vector<OfflineJudgement> judgements{machine.judge(0, scan_with(2, 1, PageUse::reserved)),
                                                 machine.judge(1, scan_with(0x8200, 1, PageUse::other)),
                                                 machine.judge(2), machine.judge(3)};
  EXPECT_EQ(judgements[1].verdict, OfflineVerdict::blocked);
  EXPECT_THAT(plan_offlining(judgements), ElementsAre(3U, 2U, 1U));
}

}  // namespace
}  // namespace memsect
