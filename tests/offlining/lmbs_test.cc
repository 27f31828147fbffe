// The hypervisor's memory blocks, in made-up memory.
#include "offlining/lmbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;

constexpr std::uint64_t info = 0x3000000, entries = 0x3001000, lmb_size = 0x10000000;
constexpr std::uint64_t assigned = 0x8, reserved = 0x80;

/// Four of them: reserved, assigned, assigned, not there.
struct Machine : FakeKernel {
  Machine() : FakeKernel("fake_lmbs") {
    memory.add({PhysAddr(info), 0x2000});
    put(symbol("drmem_info"), at(info).raw());
    put(at(info), "drmem_lmb_info", "lmbs", at(entries).raw());
    put(at(info), "drmem_lmb_info", "n_lmbs", 4);
    put(at(info), "drmem_lmb_info", "lmb_size", lmb_size);
    const std::uint64_t flags[] = {reserved, assigned, assigned, 0};
    for (std::uint64_t i = 0; i < 4; ++i) {
      const VirtAddr entry = at(entries) + i * layout("drmem_lmb").size;
      put(entry, "drmem_lmb", "base_addr", i * lmb_size);
      put(entry, "drmem_lmb", "flags", flags[i]);
    }
  }
};

Result<std::vector<Lmb>> lmbs_of(const FakeKernel& fake) {
  const auto kernel = fake.open();
  EXPECT_TRUE(kernel) << kernel.error().message;
  return load_lmbs(*kernel);
}

std::vector<bool> removable(const FakeKernel& fake) {
  const auto lmbs = lmbs_of(fake);
  EXPECT_TRUE(lmbs) << lmbs.error().message;
  std::vector<bool> answers;
  for (const Lmb& lmb : *lmbs) answers.push_back(lmb.removable());
  return answers;
}

TEST(Lmbs, AreTakenWhenTheyAreAssignedAndNotReserved) {
  const Machine machine;
  EXPECT_THAT(removable(machine), testing::ElementsAre(false, true, true, false));
  EXPECT_EQ((*lmbs_of(machine))[1].range, (PhysRange{PhysAddr(lmb_size), lmb_size}));
}

TEST(Lmbs, AreKeptForARegisteredDump) {
  Machine machine;
  const VirtAddr dump = machine.symbol("fw_dump");
  machine.put(dump, "fw_dump", "boot_mem_top", lmb_size + 4096);
  EXPECT_THAT(removable(machine), testing::ElementsAre(false, true, true, false));
  const auto unit = machine.layout("fw_dump").find("dump_registered")->offset;
  machine.put(dump + unit, 1 << 3);
  EXPECT_THAT(removable(machine), testing::ElementsAre(false, false, true, false));
  machine.put(dump, "fw_dump", "reserve_dump_area_start", 2 * lmb_size + 4096);
  EXPECT_THAT(removable(machine), testing::ElementsAre(false, false, false, false));
}

TEST(Lmbs, ThatCannotBeReadAreAnError) {
  Machine machine;
  machine.put(FakeKernel::at(info), "drmem_lmb_info", "n_lmbs", 0x7fffffff);
  EXPECT_EQ(lmbs_of(machine).error().code, Errc::corrupt);
  machine.put(FakeKernel::at(info), "drmem_lmb_info", "n_lmbs", 4);
  machine.put(FakeKernel::at(info), "drmem_lmb_info", "lmb_size", 0);
  EXPECT_EQ(lmbs_of(machine).error().code, Errc::corrupt);
  machine.put(FakeKernel::at(info), "drmem_lmb_info", "lmb_size", ~std::uint64_t{0});
  EXPECT_EQ(lmbs_of(machine).error().code, Errc::corrupt);
  machine.put(FakeKernel::at(info), "drmem_lmb_info", "lmb_size", lmb_size);
  machine.lose(FakeKernel::at(entries), 4096);
  EXPECT_EQ(lmbs_of(machine).error().code, Errc::not_in_dump);
  EXPECT_EQ(lmbs_of(FakeKernel("fake_6")).error().code, Errc::not_applicable);
}

}  // namespace
}  // namespace memsect
