// Who allocated a page, in the old layout of the stack depot and in the new one.
#include "page/page_owner_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "support/fake_kernel.h"

namespace memsect {
namespace {

using test::FakeKernel;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t table = 0x3000000, pools = 0x3800000,
                        pool = 0x3900000;                                       // free memory of a FakeKernel
constexpr std::uint64_t entry_size = 96, owner_offset = 16, record_offset = 5;  // of the record: in 16 bytes
constexpr Pfn page{0x8003};                                                     // in section 1

/// Section 1 has a table of page_ext, and page `page` an owner whose stack is in the third pool.
struct Machine : FakeKernel {
  explicit Machine(const char* fixture)
      : FakeKernel(fixture), is_new(types().find_struct("page_owner")->has("comm")) {
    add_section({.nr = 0});
    add_section({.nr = 1});
    const std::uint64_t section = roots + layout("mem_section").size;
    put(symbol("page_ext_size"), entry_size);
    put(at(section), "mem_section", "page_ext", at(table).raw() - entry_size * 0x8000);
    memory.add({PhysAddr(table), entry_size * 0x8000});
    memory.add({PhysAddr(pools), 4096});
    memory.add({PhysAddr(pool), 4096});
    put(symbol("page_owner_ops"), "page_ext_operations", "offset", owner_offset);
    put(symbol("early_handle"), 0x77, 4);
    const VirtAddr pointers = is_new ? at(pools) : symbol("stack_slabs");
    if (is_new) put(symbol("stack_pools"), at(pools).raw());
    put(pointers + 2 * 8, at(pool).raw());
    put(entry(), "page_ext", "flags", 3);
    put(owner(), "page_owner", "order", 2);
    put(owner(), "page_owner", "gfp_mask", 0xcc0);
    put(owner(), "page_owner", "handle", handle() | (is_new ? 9U << 27 : 0));  // a note of the user's own
    put(record(), "stack_record", "size", 2);
    put(record(), "stack_record", "handle", handle());
    put(record() + entries(), symbol("offline_pages").raw());
    put(record() + entries() + 8, 0xffffffffc0101234);
    if (!is_new) return;
    put(owner(), "page_owner", "pid", 42);
    put_text(owner() + layout("page_owner").find("comm")->offset, "modprobe");
    put(owner(), "page_owner", "ts_nsec", 1234567);
  }
  VirtAddr entry() const { return at(table + (page.raw() - 0x8000) * entry_size); }
  VirtAddr owner() const { return entry() + owner_offset; }
  VirtAddr record() const { return at(pool + record_offset * 16); }
  std::uint64_t entries() const { return layout("stack_record").find("entries")->offset; }
  std::uint64_t handle() const {
    return is_new ? 3 | record_offset << 17 : 2 | record_offset << 21 | 1U << 31;
  }

  bool is_new;
};

Result<PageOwner> owner_of(const FakeKernel& fake, Pfn pfn = page) {
  const auto kernel = fake.open();
  EXPECT_TRUE(kernel) << kernel.error().message;
  auto model = load_model(*kernel, {.other_metadata = true});
  EXPECT_TRUE(model) << model.error().message;
  auto owner = PageOwnerReader(*kernel).owner_of(*model, pfn);
  if (owner) name_frames(*kernel, std::array{&*owner});
  return owner;
}

class PageOwnerOf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Depots, PageOwnerOf, ::testing::Values("fake_owner_old", "fake_owner_new"));

TEST_P(PageOwnerOf, HasTheStackOfTheAllocation) {
  const Machine machine(GetParam());
  const auto owner = owner_of(machine);
  ASSERT_TRUE(owner) << owner.error().message;
  EXPECT_EQ(owner->order, 2U);
  EXPECT_EQ(owner->gfp_mask, 0xcc0U);
  ASSERT_TRUE(owner->stack) << owner->stack.error().message;
  EXPECT_THAT(owner->frames,
              ElementsAre("offline_pages+0x0", "0xffffffffc0101234"));  // the other of a module
  EXPECT_EQ(owner->comm, machine.is_new ? "modprobe" : "");
  EXPECT_EQ(owner->pid, machine.is_new ? std::optional<std::int64_t>(42) : std::nullopt);
  EXPECT_EQ(owner->ts_nsec, machine.is_new ? std::optional<std::uint64_t>(1234567) : std::nullopt);
}

TEST_P(PageOwnerOf, IsNotToldOfPagesThatAreFreeOrOlderThanIt) {
  Machine machine(GetParam());
  EXPECT_EQ(owner_of(machine, page + 1).error().code, Errc::not_applicable);
  EXPECT_EQ(owner_of(machine, Pfn(3)).error().code, Errc::not_applicable);  // a section without a table
  EXPECT_EQ(owner_of(machine, Pfn(0x100000)).error().code, Errc::not_applicable);  // no section
  machine.put(machine.entry(), "page_ext", "flags", 1);
  EXPECT_EQ(owner_of(machine).error().code, Errc::not_applicable);
  machine.put(machine.entry(), "page_ext", "flags", 3);
  machine.put(machine.owner(), "page_owner", "handle", 0x77);
  EXPECT_THAT(owner_of(machine).error().message, HasSubstr("before page_owner began"));
}

TEST_P(PageOwnerOf, KeepsTheRestWhereTheStackIsDamaged) {
  Machine machine(GetParam());
  machine.put(machine.record(), "stack_record", "handle", machine.handle() ^ 1);
  EXPECT_EQ(owner_of(machine)->stack.error().code, Errc::corrupt);
  machine.put(machine.record(), "stack_record", "handle", machine.handle());
  machine.put(machine.record(), "stack_record", "size", 257);
  EXPECT_EQ(owner_of(machine)->stack.error().code, Errc::corrupt);
  machine.put(machine.owner(), "page_owner", "handle", 0);
  EXPECT_EQ(owner_of(machine)->stack.error().code, Errc::not_applicable);
  machine.lose(machine.at(pool), 4096);
  machine.put(machine.owner(), "page_owner", "handle", machine.handle());
  EXPECT_EQ(owner_of(machine)->stack.error().code, Errc::not_in_dump);
  EXPECT_EQ(owner_of(machine)->gfp_mask, 0xcc0U);
}

TEST_P(PageOwnerOf, RefusesWhatMakesNoSense) {
  Machine machine(GetParam());
  machine.put(machine.owner(), "page_owner", "order", 32);
  EXPECT_EQ(owner_of(machine).error().code, Errc::corrupt);
  for (const std::uint64_t offset : {entry_size - 8, entry_size, ~std::uint64_t{0} - 8}) {
    machine.put(machine.symbol("page_owner_ops"), "page_ext_operations", "offset", offset);
    EXPECT_EQ(owner_of(machine).error().code, Errc::corrupt) << offset;
  }
}

TEST_P(PageOwnerOf, IsNotToldWhereItIsNotSwitchedOn) {
  Machine machine(GetParam());
  machine.put(machine.symbol("page_owner_ops"), "page_ext_operations", "offset", 0);
  EXPECT_EQ(owner_of(machine).error().code, Errc::not_applicable);
  EXPECT_THAT(owner_of(machine).error().message, HasSubstr("page_owner=on"));
}

TEST(PageOwner, IsNotKeptByOtherKernels) {
  FakeKernel fake("fake_4_14");
  fake.add_section({.nr = 1});
  EXPECT_EQ(owner_of(fake).error().code, Errc::not_applicable);
}

}  // namespace
}  // namespace memsect
