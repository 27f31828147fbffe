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
    model.sections[0].flags.early = true;
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

TEST(Offlining, DoesNotTakeMemoryForADevicesWhereNothingSaysWhatIsFromBoot) {  // before 5.3
  Machine machine;
  machine.model.sections[0].flags.early = false;
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::no_blocker_found);
  EXPECT_EQ(machine.judge(1).remove, OfflineVerdict::unknown);
}

TEST(Offlining, KnowsThatHolesWereAllowedBefore55) {
  Machine machine;
  machine.rules.resources = std::vector<Resource>{{PhysAddr(0), PhysAddr(0xbffffff), "System RAM", true, 0}};
  EXPECT_THAT(codes_of(machine.judge(1)), ElementsAre("memory_hole permanent"));
  machine.rules.refuses_holes = false;
  EXPECT_THAT(codes_of(machine.judge(1)), IsEmpty());
  machine.rules.resources = Error{Errc::excluded, "filtered out", {}};
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::no_blocker_found) << "nothing is asked of it";
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

TEST(Offlining, KnowsNoCmaWhereTheKernelHasNone) {
  Machine machine;
  machine.model.migratetypes = {"Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate"};
  // A type that the kernel does not have: one past the last, where a search for "CMA" ends.
  (*machine.model.sections[1].pageblocks)[3].migratetype = 5;
  const OfflineJudgement judgement = machine.judge(1);
  EXPECT_EQ(judgement.verdict, OfflineVerdict::no_blocker_found);
  EXPECT_THAT(codes_of(judgement), IsEmpty());
  machine.model.migratetypes.clear();
  (*machine.model.sections[1].pageblocks)[3].migratetype = 0;
  EXPECT_THAT(codes_of(machine.judge(1)), IsEmpty());
  machine.model.migratetypes = {"Unmovable", "Movable", "Reclaimable", "CMA"};
  (*machine.model.sections[1].pageblocks)[3].migratetype = 3;
  EXPECT_THAT(codes_of(machine.judge(1)), ElementsAre("cma permanent"));
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
  EXPECT_THAT(judgement.reasons.front().text, HasSubstr("(typically kernel stacks, drivers"));
  machine.rules.vmalloc->has_stacks = true;
  EXPECT_THAT(machine.judge(1, scan).reasons.front().text, HasSubstr("(typically drivers"));
  EXPECT_THAT(machine.judge(1, scan).reasons.back().text, HasSubstr("(kernel stacks, modules"));
  machine.rules.vmalloc->complete = false;
  EXPECT_THAT(machine.judge(1, scan).reasons.front().text,
              HasSubstr("(typically vmalloc, per-CPU data, drivers"));
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
  PageScan scan = scan_with(0x8010, 4, PageUse::offline);
  scan.movable = 100;
  scan.nodes = {NodeId{0}};
  machine.rules.room = MigrationRoom{{NodeId{0}, {1000, 1000, 1000}}, {NodeId{1}, {10, 10, 80}}};
  scan.writeback = {3, {Pfn(0x8030)}, {{"vda (ext4)", 3}}};
  scan.pinned = {2, {Pfn(0x8020), Pfn(0x8021)}};
  const OfflineJudgement judgement = machine.judge(1, scan);
  EXPECT_EQ(judgement.verdict, OfflineVerdict::no_blocker_found);
  EXPECT_THAT(codes_of(judgement),
              ElementsAre("page_offline hint", "writeback hint", "maybe_gup_pinned hint", "no_room hint"));
  EXPECT_THAT(judgement.reasons[1].text,
              HasSubstr("3 pages are being written to disk (PG_writeback): vda (ext4) 3;"));
  EXPECT_THAT(judgement.reasons[3].text,
              HasSubstr("other nodes, which have 10 free pages and 80 of page cache"));
}

TEST(Offlining, AsksForRoomOnOtherNodesUnlessThereIsNone) {
  Machine machine;
  PageScan scan;
  scan.movable = 100;
  scan.free = 30;
  scan.nodes = {NodeId{0}};
  scan.zones = {3};
  machine.rules.room = MigrationRoom{{NodeId{0}, {1000, 0, 0}}, {NodeId{1}, {50, 0, 50}}};
  EXPECT_THAT(machine.judge(1, scan).reasons, IsEmpty());
  machine.rules.room->at(NodeId{1}).for_movable = 49;
  EXPECT_THAT(codes_of(machine.judge(1, scan)), ElementsAre("no_room hint"));
  machine.rules.room = MigrationRoom{{NodeId{0}, {130, 0, 9}}};  // what is free in the block is none
  EXPECT_THAT(machine.judge(1, scan).reasons, IsEmpty());
  machine.rules.room->at(NodeId{0}).for_movable = 129;
  EXPECT_THAT(machine.judge(1, scan).reasons.front().text, HasSubstr("only 99 are free elsewhere"));
  scan.zones = {2};  // pages of other zones never go to ZONE_MOVABLE
  EXPECT_THAT(machine.judge(1, scan).reasons.front().text, HasSubstr("only 0 are free elsewhere"));
}

/// Two free huge pages in block 1, and one in use.
PageScan scan_with_huge_pages() {
  PageScan scan;
  scan.nodes = {NodeId{0}};
  scan.huge_pages = {{Pfn(0x8000), 9, false}, {Pfn(0x8200), 9, true}, {Pfn(0x8400), 9, false}};
  return scan;
}

TEST(Offlining, IsRefusedForFreeHugePagesThatAreReserved) {
  Machine machine;
  machine.rules.huge_pools = std::vector<HugePool>{{9, false, 10, 10, {}}};
  const OfflineJudgement none = machine.judge(1, scan_with_huge_pages());
  EXPECT_THAT(codes_of(none), ElementsAre("hugetlb_reserved now"));
  EXPECT_EQ(none.error, "EBUSY");
  EXPECT_EQ(none.reasons.front().count, 2U);
  EXPECT_THAT(none.reasons.front().first_pages, ElementsAre(Pfn(0x8000), Pfn(0x8400)));
  EXPECT_THAT(none.reasons.front().text,
              HasSubstr("of the 10 free huge pages of 2M in the machine 10 are reserved"));
  machine.rules.huge_pools->front().reserved = 9;  // one can be given up, not two
  EXPECT_THAT(machine.judge(1, scan_with_huge_pages()).reasons.front().first_pages, ElementsAre(Pfn(0x8400)));
  machine.rules.huge_pools->front().reserved = 8;  // two, but the one in use would be a third
  EXPECT_THAT(codes_of(machine.judge(1, scan_with_huge_pages())), ElementsAre("hugetlb_reserved hint"));
  machine.rules.huge_pools->front().reserved = 7;
  EXPECT_THAT(machine.judge(1, scan_with_huge_pages()).reasons, IsEmpty());
}

TEST(Offlining, IsUnknownWhereAPoolCannotBeRead) {
  Machine machine;
  machine.rules.huge_pools = Error{Errc::excluded, "filtered out", {}};
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::no_blocker_found);
  EXPECT_EQ(machine.judge(1, scan_with_huge_pages()).verdict, OfflineVerdict::unknown);
  machine.rules.huge_pools = std::vector<HugePool>{{18, true, 10, 0, {}}};
  EXPECT_EQ(machine.judge(1, scan_with_huge_pages()).verdict, OfflineVerdict::unknown);
}

TEST(Offlining, HintsAtAGiganticPageInUseWithNoOtherToMoveTo) {
  Machine machine;
  PageScan scan;
  scan.nodes = {NodeId{0}};
  scan.huge_pages = {{Pfn(0), 18, true}};
  machine.rules.room = MigrationRoom{{NodeId{0}, {}}, {NodeId{1}, {}}};
  machine.rules.huge_pools = std::vector<HugePool>{{18, true, 1, 0, {{NodeId{0}, 1}}}};
  EXPECT_THAT(codes_of(machine.judge(1, scan)), ElementsAre("hugetlb_no_target hint"));
  machine.rules.huge_pools->front().free_on = {{NodeId{1}, 1}};
  EXPECT_THAT(machine.judge(1, scan).reasons, IsEmpty());
  machine.rules.huge_pools->front().reserved = 1;
  EXPECT_THAT(codes_of(machine.judge(1, scan)), ElementsAre("hugetlb_no_target hint"));
  machine.rules.huge_pools->front().gigantic = false;  // one would be made
  EXPECT_THAT(machine.judge(1, scan).reasons, IsEmpty());
}

TEST(Offlining, SplitsReservedPagesWhereResourcesBorder) {
  Machine machine;
  machine.rules.resources->push_back({PhysAddr(0x8012000), PhysAddr(0x8015fff), "Crash kernel", true, 1});
  const OfflineJudgement judgement = machine.judge(1, scan_with(0x8010, 8, PageUse::reserved));
  EXPECT_THAT(codes_of(judgement), ElementsAre("crashkernel permanent", "unmovable_reserved permanent"));
  EXPECT_EQ(judgement.reasons[0].count, 4U);
  EXPECT_THAT(judgement.reasons[0].first_pages.front(), Pfn(0x8012));
  EXPECT_THAT(judgement.reasons[1].text, HasSubstr(": System RAM 4"));
}

TEST(Offlining, NamesNoResourceWithoutTheTree) {
  Machine machine;
  machine.rules.resources = Error{Errc::excluded, "filtered out", {}};
  const std::string text = machine.judge(1, scan_with(0x8010, 8, PageUse::reserved)).reasons.front().text;
  EXPECT_THAT(text, ::testing::Not(HasSubstr("System RAM")));
  EXPECT_THAT(text, HasSubstr("cannot be told"));
}

TEST(Offlining, CountsNoPageblocksWhoseSizeIsNotKnown) {
  Machine machine;
  machine.model.geometry.pageblock_order = machine.model.geometry.pageblock_bits = 0;
  EXPECT_EQ(machine.judge(1, scan_with(0x8010, 8, PageUse::slab)).reasons.front().pageblock_count, 0U);
}

TEST(Offlining, GoesOnUntilInterruptedForSlabPagesWithoutReferences) {  // 7.0+
  Machine machine;
  PageScan scan = scan_with(0x8010, 4, PageUse::slab_unreferenced);
  const OfflineJudgement alone = machine.judge(1, scan);
  EXPECT_EQ(alone.verdict, OfflineVerdict::blocked);
  EXPECT_EQ(alone.error, "EINTR");
  EXPECT_THAT(alone.reasons.front().text, HasSubstr("dentry 4; all have no references"));
  scan.runs.push_back({{Pfn(0x9000), 2}, PageUse::slab, 0});
  const OfflineJudgement both = machine.judge(1, scan);
  EXPECT_THAT(codes_of(both), ElementsAre("unmovable_slab now"));
  EXPECT_EQ(both.error, "EBUSY");
  EXPECT_THAT(both.reasons.front().text, HasSubstr("dentry 6; 4 of them have no references"));
}

TEST(Offlining, IsRefusedForPagesInLruBatchesByOlderKernels) {
  const OfflineJudgement judgement = Machine().judge(1, scan_with(0x8010, 4, PageUse::lru_batch));
  EXPECT_THAT(codes_of(judgement), ElementsAre("unmovable_lru_batch now"));
  EXPECT_EQ(judgement.error, "EBUSY");
}

TEST(Offlining, IsRefusedWithEpermWhereAMappingWouldBeCut) {
  Machine machine;
  const std::uint64_t none = 0, large = 2 << 20;
  machine.rules.cut_mappings = {{PhysAddr(0x8200000), none, large}, {PhysAddr(0x18000000), large, large}};
  EXPECT_THAT(machine.judge(1).reasons, IsEmpty()) << "no edge of it";
  machine.block(1).altmap_pages = 512;
  EXPECT_THAT(codes_of(machine.judge(1)), ElementsAre("memmap_shared_mapping permanent"));
  EXPECT_EQ(machine.judge(1).error, "EPERM");
  EXPECT_THAT(codes_of(machine.judge(2)), ElementsAre("direct_map_shared_mapping permanent")) << "at its end";
  machine.model.sections[2].flags.early = machine.rules.early_memory_stays = true;
  EXPECT_THAT(codes_of(machine.judge(2)), ElementsAre("early_boot_memory_arch_veto permanent"));
  machine.rules.cut_mappings.front().memmap = Error{Errc::excluded, "filtered out", {}};
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::unknown);
}

TEST(Offlining, AnswersByTheFirstStepThatRefuses) {
  Machine machine;
  machine.rules.keeps_below = 0xffffffff;
  machine.rules.huge_pools = std::vector<HugePool>{{9, false, 10, 10, {}}};
  PageScan scan = scan_with_huge_pages();
  EXPECT_EQ(machine.judge(1, scan).error, "EPERM") << "a notifier, before huge pages are asked for";
  scan.runs.push_back({{Pfn(0x8800), 1}, PageUse::other, 0});
  EXPECT_EQ(machine.judge(1, scan).error, "EBUSY") << "isolation, before notifiers";
  machine.block(1).zone = std::string();
  EXPECT_EQ(machine.judge(1, scan).error, "EINVAL");
}

TEST(Offlining, NamesNotifiersThatItDoesNotKnow) {
  Machine machine;
  machine.rules.notifiers =
      std::vector<MemoryNotifier>{{VirtAddr(1), "ksm_memory_callback", NotifierRole::passive},
                                  {VirtAddr(2), "0x2 [gpu]", NotifierRole::unknown}};
  const OfflineJudgement judgement = machine.judge(1);
  EXPECT_EQ(judgement.verdict, OfflineVerdict::no_blocker_found);
  EXPECT_THAT(codes_of(judgement), ElementsAre("memory_notifier hint"));
  EXPECT_THAT(judgement.reasons.front().text, HasSubstr(": 0x2 [gpu]"));
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
  EXPECT_EQ(machine.judge(1).error, "EPERM");
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

std::optional<Errc> attribution_of(const OfflineJudgement& judgement, std::string_view code) {
  for (const Reason& reason : judgement.reasons) {
    if (reason.code == code && reason.attribution) return reason.attribution->code;
  }
  return std::nullopt;
}

TEST(Offlining, SaysWhichPagesMayBelongToWhatCouldNotBeRead) {
  Machine machine;
  machine.rules.vmalloc = VmallocPages{};
  const PageScan other = scan_with(0x8001, 2, PageUse::other), slab = scan_with(0x8001, 2, PageUse::slab),
                 reserved = scan_with(0x8001, 2, PageUse::reserved);
  EXPECT_EQ(attribution_of(machine.judge(1, other), "unmovable_other"), std::nullopt);
  machine.rules.vmalloc->lost = Error{Errc::excluded, "a page table", {}};
  EXPECT_EQ(attribution_of(machine.judge(1, other), "unmovable_other"), Errc::excluded);
  EXPECT_EQ(attribution_of(machine.judge(1, slab), "unmovable_slab"), std::nullopt);
  machine.model.sections[2].usage = Error{Errc::truncated, "cut off", {}};
  EXPECT_EQ(attribution_of(machine.judge(1, slab), "unmovable_slab"), Errc::truncated);
  machine.rules.resources_short = Error{Errc::not_in_dump, "an entry", {}};
  EXPECT_EQ(attribution_of(machine.judge(1, reserved), "unmovable_reserved"), Errc::not_in_dump);
}

TEST(Offlining, CallsNothingAHoleWhereEntriesOfTheResourceTreeAreMissing) {
  Machine machine;
  machine.rules.resources_short = Error{Errc::excluded, "an entry", {}};
  EXPECT_EQ(machine.judge(3).verdict, OfflineVerdict::no_blocker_found) << "all of it is covered";
  machine.rules.resources->front().last = PhysAddr(0x1fffefff);
  const OfflineJudgement judgement = machine.judge(3);
  EXPECT_EQ(judgement.verdict, OfflineVerdict::unknown);
  EXPECT_THAT(codes_of(judgement), ElementsAre("not_read hint"));
}

TEST(Offlining, CallsMemoryADevicesOnlyWhereTheBlocksAreAllKnownOrItsMapIs) {
  Machine machine("section 8 node=0\n");
  const auto judge_8 = [&machine] {
    const OfflineJudge judge(machine.model, machine.rules, {});
    return judge.judge(unit_of_section(machine.model, machine.model.sections.back()), {});
  };
  EXPECT_EQ(judge_8().verdict, OfflineVerdict::no_block);
  machine.model.blocks_short = Error{Errc::excluded, "an xarray node", {}};
  EXPECT_EQ(judge_8().verdict, OfflineVerdict::unknown);
  EXPECT_THAT(codes_of(judge_8()), ElementsAre("not_read hint"));
  machine.model.device_maps = std::vector<DeviceMap>(1);
  machine.model.device_maps->front().ranges = {{PhysAddr(0x40000000), 0x8000000}};
  EXPECT_EQ(judge_8().verdict, OfflineVerdict::no_block);
}

TEST(Offlining, LeavesOutTheMemmapThatADerivedBlockHostsItself) {
  Machine machine;
  MemoryBlock& block = machine.block(1);
  block.derived = true;
  block.altmap_pages = Error{Errc::excluded, "", {}};
  Memmap memmap;
  memmap.backing = {{PhysAddr(0x8000000), 0x200000}};
  machine.model.sections[1].memmap = memmap;
  EXPECT_EQ(unit_of_block(machine.model, block).tested.start, PhysAddr(0x8200000));
  machine.model.sections[1].memmap->backing.front().start = PhysAddr(0x10000000);
  EXPECT_EQ(unit_of_block(machine.model, block).tested.start, PhysAddr(0x8000000));
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

TEST(Offlining, IsNotPlannedForWhatServedOneThatHasGoneButStaysAnyway) {
  // Block 1 holds the usage of section 2, which the kernel keeps when section 2 goes.
  Machine machine;
  machine.model.sections[2].usage = Placement{VirtAddr(0), 56, {{PhysAddr(0x8200000), 56}}, Allocation::boot};
  const std::vector<OfflineJudgement> judgements{machine.judge(0),
                                                 machine.judge(1, scan_with(0x8200, 1, PageUse::reserved)),
                                                 machine.judge(2), machine.judge(3)};
  EXPECT_THAT(codes_of(judgements[1]), ElementsAre("holds_usage permanent"));
  EXPECT_THAT(plan_offlining(judgements), ElementsAre(3U, 2U, 0U));
}

TEST(Offlining, LeavesPageblocksOutsideOfTheTestedRangeAlone) {
  Machine machine;
  machine.block(1).altmap_pages = 512;  // the first pageblock
  (*machine.model.sections[1].pageblocks)[0].isolated = true;
  (*machine.model.sections[1].pageblocks)[0].migratetype = 4;
  EXPECT_EQ(machine.judge(1).verdict, OfflineVerdict::no_blocker_found);
  (*machine.model.sections[1].pageblocks)[1].isolated = true;
  EXPECT_THAT(codes_of(machine.judge(1)), ElementsAre("isolated now"));
}

TEST(Offlining, LeavesTheHostedMemmapOutOfASectionToo) {
  Machine machine;
  machine.block(2).altmap_pages = 512;
  const OfflineUnit unit = unit_of_section(machine.model, machine.model.sections[2]);
  EXPECT_EQ(unit.tested.start, PhysAddr(0x10200000));
  EXPECT_EQ(unit.tested.end(), unit.range.end());
}

}  // namespace
}  // namespace memsect
