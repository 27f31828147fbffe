// /proc/kcore and sysfs as files that the tests write: what the kernel would show is what they hold.
#include "formats/proc_kcore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "support/dump_builder.h"

namespace memsect::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t no_address = ~std::uint64_t{0};
constexpr std::uint64_t direct_map = 0xffff888000000000;
constexpr std::uint64_t image = 0xffffffff80000000;

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

ElfSegment ram(std::uint64_t phys, Buffer bytes, std::uint64_t distance = direct_map) {
  ElfSegment segment = load_segment(phys, std::move(bytes));
  segment.virt = phys + distance;
  return segment;
}

Buffer zeros(std::size_t size) { return Buffer(size); }

/// A machine: the kernel's file and the folders of sysfs, in a folder of its own that goes with the object. Memory
/// blocks are 64 KiB.
class Machine {
 public:
  explicit Machine(const std::vector<ElfSegment>& segments, bool with_blocks = true) {
    std::string name = (std::filesystem::temp_directory_path() / "memsect-live-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    system_.kcore = folder_ / "kcore";
    system_.sysfs = folder_ / "sys";
    system_.process_status = folder_ / "status";
    std::filesystem::create_directories(folder_ / "sys/devices/system");
    if (with_blocks) write_file(folder_ / "sys/devices/system/memory/block_size_bytes", "10000\n");
    show(segments);
  }
  ~Machine() { std::filesystem::remove_all(folder_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Makes these the segments, in the file that a reader may have open.
  void show(const std::vector<ElfSegment>& segments) {
    ElfRecipe recipe;
    recipe.segments = segments;
    show_bytes(build_elf_core(recipe));
  }
  void show_bytes(const Buffer& bytes) {
    write_file(system_.kcore, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  void set_block(unsigned number, std::string_view state) {
    write_file(folder_ / "sys/devices/system/memory" / ("memory" + std::to_string(number)) / "state",
               std::string(state) + "\n");
  }
  void remove(std::string_view path) { std::filesystem::remove_all(folder_ / path); }

  Result<Dump> open() const { return open_proc_kcore(system_); }
  const LiveSystem& system() const { return system_; }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  LiveSystem system_;
};

/// `size` bytes at `at` as text, or the reason there are none.
std::string text_at(const Dump& dump, std::uint64_t at, std::size_t size) {
  Buffer out(size);
  if (auto read = dump.memory->read(PhysAddr(at), out); !read) return read.error().message;
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

Errc read_error(const Dump& dump, std::uint64_t at, std::size_t size = 8) {
  Buffer out(size);
  auto read = dump.memory->read(PhysAddr(at), out);
  return read ? Errc::usage : read.error().code;
}

TEST(ProcKcore, ReadsMemoryByPhysicalAddressAndLeavesVirtualSegmentsOut) {
  ElfSegment vmalloc = ram(no_address, to_bytes("vmalloc"));
  vmalloc.virt = 0xffffc90000000000;
  const Machine machine({note_segment(elf_note("VMCOREINFO", 0, "OSRELEASE=6.1.0\n")), vmalloc,
                         ram(0x1000, to_bytes("low")), ram(0x100000, to_bytes("high"))});
  const auto dump = machine.open();
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(text_at(*dump, 0x1001, 2), "ow");
  EXPECT_EQ(text_at(*dump, 0x100000, 4), "high");
  EXPECT_EQ(read_error(*dump, 0x1003, 1), Errc::not_in_dump);
  EXPECT_EQ(read_error(*dump, 0x2000), Errc::not_in_dump);
  EXPECT_THAT(*dump->memory->ranges(),
              ElementsAre(PhysRange{PhysAddr(0x1000), 3}, PhysRange{PhysAddr(0x100000), 4}));
  EXPECT_EQ(dump->vmcoreinfo, "OSRELEASE=6.1.0\n");
  EXPECT_EQ(dump->info.format, "proc-kcore");
  EXPECT_TRUE(dump->info.live);
  EXPECT_EQ(dump->info.elf_machine, 62);
  EXPECT_THAT(dump->notes.all(), IsEmpty());
}

TEST(ProcKcore, ShowsWhatIsThereNowAndKeepsNothing) {
  Machine machine({ram(0x1000, to_bytes("before"))});
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  EXPECT_EQ(text_at(*dump, 0x1000, 6), "before");
  machine.show({ram(0x1000, to_bytes("after!"))});
  EXPECT_EQ(text_at(*dump, 0x1000, 6), "after!");
}

TEST(ProcKcore, TakesTheDirectMapBeforeTheImage) {
  // Which is shown with zeros where it was freed after boot.
  const Machine machine({ram(0x11000, to_bytes("freed"), image), ram(0x10000, page_of_text("ram", 0x3000))});
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  const Buffer page = page_of_text("ram", 0x3000);
  EXPECT_EQ(text_at(*dump, 0x11000, 5), std::string(reinterpret_cast<const char*>(page.data()) + 0x1000, 5));
}

TEST(ProcKcore, TakesTheImageWhereTheDirectMapHasNothing) {
  const Machine machine({ram(0x11000, to_bytes("image"), image), ram(0x20000, page_of_text("ram", 0x3000))});
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  EXPECT_EQ(text_at(*dump, 0x11000, 5), "image");
}

TEST(ProcKcore, BelievesZerosOfOnlineMemoryOnly) {
  Buffer memory = zeros(0x40000);
  memory[0x0] = std::byte{1};
  Machine machine({ram(0x100000, memory)});
  machine.set_block(16, "offline");
  machine.set_block(17, "online");
  machine.set_block(18, "going-offline");
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  EXPECT_EQ(text_at(*dump, 0x100008, 8), std::string(8, '\0')) << "the page holds something else";
  EXPECT_EQ(text_at(*dump, 0x110000, 0x2000), std::string(0x2000, '\0'));
  EXPECT_EQ(read_error(*dump, 0x101000), Errc::not_in_dump);
  EXPECT_THAT(text_at(*dump, 0x101000, 8), AllOf(HasSubstr("0x101000"), HasSubstr("memory16 is offline"),
                                                 HasSubstr("shows no contents of offline memory")));
  EXPECT_THAT(text_at(*dump, 0x120000, 8), HasSubstr("memory18 is going-offline"));
  EXPECT_THAT(text_at(*dump, 0x130000, 8), HasSubstr("no memory block memory19"));
  machine.set_block(16, "online");
  EXPECT_EQ(text_at(*dump, 0x101000, 8), std::string(8, '\0')) << "what sysfs says is not kept";
}

TEST(ProcKcore, GivesWhatIsBelievedBeforeAPageThatIsNot) {
  Buffer memory = page_of_text("one");
  memory.resize(0x3000);
  const Machine machine({ram(0x10000, memory)});
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  const auto view = dump->memory->view(PhysAddr(0x10010), 0x2000);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->bytes.size(), 4096U - 0x10);
  EXPECT_EQ(read_error(*dump, 0x10010, 0x2000), Errc::not_in_dump);
}

TEST(ProcKcore, BelievesZerosOfAKernelThatHasNoMemoryBlocks) {
  const Machine machine({ram(0x10000, zeros(8))}, false);
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  EXPECT_EQ(text_at(*dump, 0x10000, 8), std::string(8, '\0'));
}

TEST(ProcKcore, BelievesNoZerosWhereSysfsIsNotThere) {
  Machine machine({ram(0x10000, zeros(8))});
  machine.remove("sys");
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  EXPECT_EQ(read_error(*dump, 0x10000), Errc::not_in_dump);
}

TEST(ProcKcore, BelievesNoZerosWhereTheBlockSizeMakesNoSense) {
  for (const char* size : {"", "0\n", "30000\n", "many\n", "10000000000000000\n"}) {
    const Machine machine({ram(0x10000, zeros(8))});
    write_file(machine.folder() / "sys/devices/system/memory/block_size_bytes", size);
    const auto dump = machine.open();
    ASSERT_TRUE(dump);
    EXPECT_EQ(read_error(*dump, 0x10000), Errc::not_in_dump) << size;
  }
}

TEST(ProcKcore, IsInFluxWhenSegmentsComeOrGo) {
  // More of them move the memory in the file: the old offsets show something else.
  const std::vector<ElfSegment> one = {ram(0x10000, page_of_text("old", 64))};
  std::vector<ElfSegment> two = one;
  two.push_back(ram(0x20000, page_of_text("new", 64)));
  Machine machine(one);
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  machine.show(two);
  EXPECT_EQ(read_error(*dump, 0x10000), Errc::in_flux);
  const auto again = machine.open();
  ASSERT_TRUE(again);
  EXPECT_EQ(text_at(*again, 0x10000, 3), "old");
}

TEST(ProcKcore, IsInFluxWhenTheFileEndsEarly) {
  Machine machine({ram(0x10000, page_of_text("page"))});
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  std::filesystem::resize_file(machine.system().kcore, 500);
  EXPECT_EQ(read_error(*dump, 0x10000, 4096), Errc::in_flux);
}

TEST(ProcKcore, RefusesAKernelThatGivesNoPhysicalAddresses) {
  ElfSegment vmalloc = ram(0, to_bytes("vmalloc"));
  const Machine machine({vmalloc, ram(0, to_bytes("ram"))});
  const auto dump = machine.open();
  ASSERT_FALSE(dump);
  EXPECT_EQ(dump.error().code, Errc::unsupported);
  EXPECT_THAT(dump.error().message, HasSubstr("4.11"));
  EXPECT_THAT(dump.error().hint, HasSubstr("dump"));
}

TEST(ProcKcore, RamMayBeginAtZero) {
  const Machine machine({ram(no_address, to_bytes("vmalloc")), ram(0, to_bytes("ram"))});
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  EXPECT_EQ(text_at(*dump, 0, 3), "ram");
}

TEST(ProcKcore, LeavesOutSegmentsBeyondTheLastAddressWithAWarning) {
  ElfSegment far = ram(0x10000, to_bytes("far"));
  far.offset = ~std::uint64_t{0} - 1;
  const Machine machine({ram(0x1000, to_bytes("near")), far, ram(~std::uint64_t{0} - 1, to_bytes("last"))});
  const auto dump = machine.open();
  ASSERT_TRUE(dump);
  EXPECT_EQ(text_at(*dump, 0x1000, 4), "near");
  ASSERT_EQ(dump->notes.all().size(), 1U);
  EXPECT_THAT(dump->notes.all()[0].text, HasSubstr("2 of 3 segments"));
}

TEST(ProcKcore, SaysWhyThereIsNone) {
  Machine machine({ram(0x1000, to_bytes("ram"))});
  machine.remove("kcore");
  const auto missing = machine.open();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::io);
  EXPECT_THAT(missing.error().message, HasSubstr("CONFIG_PROC_KCORE"));

  std::filesystem::create_symlink("/dev/null", machine.system().kcore);
  const auto covered = machine.open();
  ASSERT_FALSE(covered);
  EXPECT_EQ(covered.error().code, Errc::io);
  EXPECT_THAT(covered.error().message, HasSubstr("containers"));

  machine.remove("kcore");
  machine.show_bytes({});
  const auto empty = machine.open();
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, Errc::bad_format);
}

TEST(ProcKcoreRefusal, NamesLockdownBeforeTheMissingCapability) {
  Machine machine({});
  write_file(machine.folder() / "status", "Name:\tmemsect\nCapEff:\t000001ffffffffff\n");
  EXPECT_THAT(explain_refusal(EPERM, machine.system()).message, HasSubstr("Operation not permitted"));
  EXPECT_THAT(explain_refusal(EPERM, machine.system()).hint, HasSubstr("CAP_SYS_RAWIO"));
  write_file(machine.folder() / "status", "Name:\tmemsect\nCapEff:\t00000000a80425fb\n");
  EXPECT_THAT(explain_refusal(EPERM, machine.system()).message, HasSubstr("lacks"));
  EXPECT_THAT(explain_refusal(EPERM, machine.system()).hint, HasSubstr("container"));
  write_file(machine.folder() / "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  EXPECT_THAT(explain_refusal(EPERM, machine.system()).message, HasSubstr("CAP_SYS_RAWIO"));
  write_file(machine.folder() / "sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
  EXPECT_THAT(explain_refusal(EPERM, machine.system()).message, HasSubstr("locked down"));
  EXPECT_THAT(explain_refusal(EACCES, machine.system()).hint, HasSubstr("sudo"));
}

TEST(ProcKcore, IsToldFromOtherFiles) {
  const Machine machine({ram(0x1000, to_bytes("ram"))});
  EXPECT_FALSE(is_proc_kcore(machine.system().kcore));
  EXPECT_FALSE(is_proc_kcore("/proc/self/status"));
  EXPECT_FALSE(is_proc_kcore("/nowhere"));
  std::filesystem::create_symlink("/proc/kcore", machine.folder() / "link");
  EXPECT_EQ(is_proc_kcore(machine.folder() / "link"), ::access("/proc/kcore", F_OK) == 0);
}

TEST(MutatedProcKcore, AnySpoiltHeaderFieldEndsInAnAnswer) {
  ElfRecipe recipe;
  recipe.segments = {note_segment(elf_note("VMCOREINFO", 0, "OSRELEASE=6.1\n")),
                     ram(0x1000, page_of_text("a")), ram(0x3000, zeros(0x2000))};
  const Buffer good = build_elf_core(recipe);
  Machine machine({});
  machine.set_block(0, "online");
  for (std::size_t at = 0; at + 4 <= 64 + 3 * 56 + 24; at += 4) {
    const std::uint64_t value = load_unsigned(Bytes(good).subspan(at, 4), recipe.order);
    for (const std::uint64_t other :
         std::array<std::uint64_t, 7>{0, 1, 0xffffffff, 0x80000000, 0x7fffffff, value + 1, value * 2}) {
      SCOPED_TRACE("offset " + std::to_string(at) + ", value " + std::to_string(other));
      Buffer bytes = good;
      put_unsigned(bytes, at, other, 4, recipe.order);
      machine.show_bytes(bytes);
      const auto dump = machine.open();
      if (!dump) {
        EXPECT_FALSE(dump.error().message.empty());
        continue;
      }
      for (const std::uint64_t phys : {0x0U, 0x1000U, 0x1fffU, 0x3000U, 0x4800U}) {
        Buffer out(0x800);
        const auto read = dump->memory->read(PhysAddr(phys), out);
        EXPECT_TRUE(read || !read.error().message.empty());
      }
    }
  }
}

TEST(MutatedProcKcore, CutAnywhereGivesNoWrongBytes) {
  ElfRecipe recipe;
  const Buffer page = page_of_text("page");
  recipe.segments = {note_segment(elf_note("VMCOREINFO", 0, "OSRELEASE=6.1\n")), ram(0x1000, page)};
  const Buffer good = build_elf_core(recipe);
  Machine machine({});
  for (std::size_t size = 0; size < good.size(); size += size < 300 ? 1 : 97) {
    machine.show_bytes(Buffer(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    const auto dump = machine.open();
    if (!dump) continue;
    Buffer out(64);
    if (dump->memory->read(PhysAddr(0x1000), out)) {
      EXPECT_TRUE(std::equal(out.begin(), out.end(), page.begin())) << "cut at " << size;
    }
  }
}

}  // namespace
}  // namespace memsect::test
