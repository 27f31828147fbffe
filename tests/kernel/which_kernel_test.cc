// Memory that more than one x86-64 kernel has left its traces in, and CPUs that run one of them.
#include "kernel/which_kernel.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_memory.h"

namespace memsect {
namespace {

using test::FakeMemory;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t image_start = 0xffffffff80000000, table = 0x63, large = 0xe3;

/// A kernel as far as it takes to know it again: _stext and one large page from `phys` on, mapped at `text`.
struct Traces {
  std::string release;
  std::uint64_t phys = 0, text = 0, info_at = 0;  ///< info_at: of its VMCOREINFO
  std::uint64_t phys_base() const { return phys - (text - image_start); }
  std::uint64_t top() const { return phys + 0x2000; }

  std::string vmcoreinfo(bool with_base = true) const {
    std::string lines = fmt::format(
        "OSRELEASE={}\nPAGESIZE=4096\nSYMBOL(init_uts_ns)={:x}\nSYMBOL(_stext)={:x}\nSYMBOL(init_top_pgt)={:"
        "x}\n",
        release, text + 0x5000, text, text + 0x2000);
    if (with_base) lines += fmt::format("NUMBER(phys_base)={}\n", static_cast<std::int64_t>(phys_base()));
    return lines;
  }
};

void write_tables(FakeMemory& memory, std::uint64_t top, const Traces& kernel) {
  memory.write_u64(PhysAddr(top + 511 * 8), (kernel.phys + 0x3000) | table);
  memory.write_u64(PhysAddr(kernel.phys + 0x3000 + 510 * 8), (kernel.phys + 0x4000) | table);
  memory.write_u64(PhysAddr(kernel.phys + 0x4000 + (kernel.text >> 21 & 511) * 8), kernel.phys | large);
}

void write_kernel(FakeMemory& memory, const Traces& kernel) {
  memory.add({PhysAddr(kernel.phys), 0x8000});
  write_tables(memory, kernel.top(), kernel);
  const PhysAddr uts(kernel.phys + 0x5000);
  memory.write_text(uts, "Linux");
  memory.write_text(uts + 2 * 65, kernel.release);
  memory.write_text(uts + 4 * 65, "x86_64");
  if (kernel.info_at != 0) memory.write_text(PhysAddr(kernel.info_at), kernel.vmcoreinfo());
}

/// QEMU's note of a CPU with these page tables.
CpuNote cpu_with(std::uint64_t cr3) {
  CpuNote note{"QEMU", 0, std::vector<std::byte>(440)};
  const auto put = [&note](std::size_t at, std::uint64_t value) {
    for (std::size_t i = 0; i < 8; ++i) note.bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
  };
  put(392, 0x80050033);  // CR0, with paging
  put(416, cr3);
  return note;
}

/// The header by which a kernel is dumped whose memory is below `end`.
void write_crash_header(FakeMemory& memory, std::uint64_t at, std::uint64_t note, std::uint64_t end) {
  const PhysAddr header(at);
  memory.write_text(header, "\177ELF\2\1\1");
  memory.write_u16(header + 16, 4);
  memory.write_u64(header + 32, 64);
  memory.write_u16(header + 54, 56);
  memory.write_u16(header + 56, 2);
  memory.write_u32(header + 64, 4);
  memory.write_u64(header + 64 + 24, note);
  memory.write_u32(header + 120, 1);
  memory.write_u64(header + 120 + 40, end);
}

const Traces first{"5.10.0-1", 0x4000000, 0xffffffff91000000, 0x9000};
const Traces second{"6.1.0-2", 0x8000000, 0xffffffffa2000000, 0x600000};
const Traces third{"6.12.0-3", 0x2000000, 0xffffffffb3000000, 0x700000};

struct Machine {
  FakeMemory memory;
  std::vector<CpuNote> cpus;
  std::vector<std::string> file_notes;
  std::uint16_t elf_machine = 62;
  std::vector<std::uint64_t> phys_bases;
  std::string wanted;
  Notes notes;

  Result<ChosenKernel> choose() {
    Dump dump;
    dump.memory = std::make_unique<FakeMemory>(memory);
    dump.info.elf_machine = elf_machine;
    dump.phys_bases = phys_bases;
    if (!file_notes.empty()) dump.vmcoreinfo = file_notes.front();
    dump.cpu_notes = [this] { return cpus; };
    dump.vmcoreinfo_notes = [this] { return file_notes; };
    WhichKernel which;
    which.wanted = wanted;
    return choose_kernel(dump, which, notes);
  }
  std::string chosen() {
    auto kernel = choose();
    return kernel ? kernel->info.release() : kernel.error().message;
  }
  std::vector<std::string> texts(Severity severity) const {
    std::vector<std::string> found;
    for (const Note& note : notes.all())
      if (note.severity == severity) found.push_back(note.text);
    return found;
  }
};

TEST(WhichKernel, TakesTheOneThatTheCpusRunWhereverTheDeadOneLies) {
  for (const Traces& running : {first, second}) {
    Machine machine;
    write_kernel(machine.memory, first);
    write_kernel(machine.memory, second);
    machine.cpus = {cpu_with(running.top()),
                    cpu_with(running.top() | 0x7)};  // the lowest bits are no address
    EXPECT_EQ(machine.chosen(), running.release);
    EXPECT_THAT(machine.texts(Severity::note), Contains(HasSubstr("there are 2 kernels in the dump")));
    EXPECT_THAT(machine.texts(Severity::note), Contains(HasSubstr("no CPU runs it")));
    EXPECT_THAT(machine.texts(Severity::warning), IsEmpty());
  }
}

TEST(WhichKernel, KnowsTheKernelOfAProcessWhoseOwnTablesLeaveItOut) {
  Machine machine;
  write_kernel(machine.memory, first);
  write_kernel(machine.memory, second);
  constexpr std::uint64_t process = 0xa00000;  // two top tables side by side
  machine.memory.add({PhysAddr(process), 0x2000});
  write_tables(machine.memory, process, second);
  machine.cpus = {cpu_with(process + 0x1000)};
  EXPECT_EQ(machine.chosen(), second.release);
}

TEST(WhichKernel, TakesTheCrashedOneOfTwoThatLive) {
  for (const bool first_halts : {true, false}) {  // with one CPU, nothing runs the crashed one
    Machine machine;
    Traces crashed = first;
    crashed.info_at = 0x9018;  // in the note
    write_kernel(machine.memory, crashed);
    machine.memory.write_text(PhysAddr(0x900c), "VMCOREINFO");
    Traces capturing = second;
    capturing.info_at = 0x8800000;
    write_kernel(machine.memory, capturing);
    write_crash_header(machine.memory, 0x8900000, 0x9000, 0x8000000);
    if (first_halts) machine.cpus.push_back(cpu_with(first.top()));
    machine.cpus.push_back(cpu_with(second.top()));
    EXPECT_EQ(machine.chosen(), first.release);
    EXPECT_THAT(machine.texts(Severity::note), Contains(HasSubstr("started to dump it")));
  }
}

TEST(WhichKernel, IsNotMisledByTheCrashOfAnEarlierBoot) {
  Machine machine;
  Traces crashed = first;
  crashed.info_at = 0x9018;
  write_kernel(machine.memory, crashed);
  machine.memory.write_text(PhysAddr(0x900c), "VMCOREINFO");
  Traces capturing = second;
  capturing.info_at = 0x8800000;
  write_kernel(machine.memory, capturing);
  write_crash_header(machine.memory, 0x8900000, 0x9000, 0x8000000);
  write_kernel(machine.memory, third);
  machine.cpus = {cpu_with(third.top())};
  EXPECT_EQ(machine.chosen(), third.release);
}

TEST(WhichKernel, PassesOverANoteWhoseKernelNoCpuRuns) {  // as left by kexec
  Machine machine;
  write_kernel(machine.memory, first);
  write_kernel(machine.memory, second);
  machine.file_notes = {first.vmcoreinfo()};
  machine.cpus = {cpu_with(second.top())};
  EXPECT_EQ(machine.chosen(), second.release);
  machine.cpus = {cpu_with(first.top())};
  EXPECT_EQ(machine.chosen(), first.release);
}

TEST(WhichKernel, WithoutCpusTakesTheOneWhosePageTablesLeadThere) {
  Machine machine;
  write_kernel(machine.memory, first);
  write_kernel(machine.memory, second);
  machine.memory.write_u64(PhysAddr(first.top() + 511 * 8), 0);
  EXPECT_EQ(machine.chosen(), second.release);
  EXPECT_THAT(machine.texts(Severity::warning), IsEmpty());
}

TEST(WhichKernel, WarnsWhereNothingTells) {
  Machine machine;
  write_kernel(machine.memory, first);
  write_kernel(machine.memory, second);
  ASSERT_TRUE(machine.choose());
  EXPECT_THAT(machine.texts(Severity::warning), ElementsAre(HasSubstr("could not be told")));
}

TEST(WhichKernel, IsChosenByNumberOrAddress) {
  Machine machine;
  write_kernel(machine.memory, first);
  write_kernel(machine.memory, second);
  machine.cpus = {cpu_with(second.top())};
  for (const char* wanted : {"1", "0x9000"}) {
    machine.wanted = wanted;
    EXPECT_EQ(machine.chosen(), first.release) << wanted;
  }
  machine.wanted = "2";
  EXPECT_EQ(machine.chosen(), second.release);
  for (const char* wanted : {"3", "0", "0x1234", "x"}) {
    machine.wanted = wanted;
    const auto kernel = machine.choose();
    ASSERT_FALSE(kernel) << wanted;
    EXPECT_EQ(kernel.error().code, Errc::usage);
  }
}

TEST(WhichKernel, PassesOverNotesThatAreGarbageOrStubs) {
  for (const std::string& stub :
       {std::string(512, '\xff'), std::string("OSRELEASE=5.10.0-1\nPAGESIZE=4096\n")}) {
    Machine machine;
    write_kernel(machine.memory, first);
    machine.file_notes = {stub};
    EXPECT_EQ(machine.chosen(), first.release);  // in memory
    Traces silent = first;
    silent.info_at = 0;
    machine.memory = FakeMemory();
    write_kernel(machine.memory, silent);
    machine.file_notes = {stub, first.vmcoreinfo()};
    EXPECT_EQ(machine.chosen(), first.release);  // in the next note
    machine.file_notes = {stub};
    EXPECT_EQ(machine.choose().error().code, Errc::not_in_dump);
  }
}

TEST(WhichKernel, HasPhysBaseFromHeadersOrMemoryWhereVmcoreinfoLacksIt) {  // before 4.10
  for (const std::vector<std::uint64_t>& told :
       {std::vector{first.phys_base()}, {std::uint64_t{12345}}, {}}) {
    Machine machine;
    write_kernel(machine.memory, first);
    write_kernel(machine.memory,
                 {first.release, 0x2000000, first.text, 0});  // the name alone does not prove it
    machine.memory.write_u64(PhysAddr(first.phys + 0x6000), first.phys_base());
    machine.memory.write_u64(PhysAddr(0x2006000), first.phys_base());
    machine.phys_bases = told;
    machine.file_notes = {first.vmcoreinfo(false) +
                          fmt::format("SYMBOL(phys_base)={:x}\n", first.text + 0x6000)};
    const auto kernel = machine.choose();
    ASSERT_TRUE(kernel) << kernel.error().message;
    EXPECT_EQ(kernel->info.number("phys_base"), static_cast<std::int64_t>(first.phys_base()));
  }
}

TEST(WhichKernel, KnowsTheMachineByItsNameInMemory) {
  Machine machine;
  write_kernel(machine.memory, first);
  machine.file_notes = {first.vmcoreinfo()};
  for (const std::uint16_t said :
       std::initializer_list<std::uint16_t>{0, 62, 3, 4242}) {  // EM_386 over a 64-bit kernel among them
    machine.elf_machine = said;
    const auto kernel = machine.choose();
    ASSERT_TRUE(kernel);
    EXPECT_EQ(kernel->arch, &x86_64) << said;
  }
  Machine other;
  const std::uint64_t uts = 0x2345678;
  other.elf_machine = 0;
  other.memory.write_text(PhysAddr(uts + 130), "7.2.13-loong64");
  other.memory.write_text(PhysAddr(uts + 260), "loongarch64");
  other.file_notes = {
      fmt::format("OSRELEASE=7.2.13-loong64\nPAGESIZE=16384\nSYMBOL(init_uts_ns)={:x}\n"
                  "SYMBOL(_stext)=9000000000200000\nSYMBOL(swapper_pg_dir)=9000000001000000\n",
                  0x9000000000000000 + uts)};
  const auto kernel = other.choose();
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->arch, &loongarch64);
}

TEST(FindImages, TellsTheTextOfAKernelThatLeftNone) {
  FakeMemory memory;
  const Traces kernel{"6.1.0-2", 0x8000000, 0xffffffffa2000000, 0};
  write_kernel(memory, kernel);
  memory.write_text(PhysAddr(kernel.phys + 0x7000), "Linux version 6.1.0-2 (gcc)");
  memory.write_text(PhysAddr(0x1007000),
                    "Linux version 6.1.0-2 (gcc)");  // of an image without its page tables
  constexpr std::uint64_t linked = 0xffffffff81000000;
  const std::map<std::string, std::uint64_t, std::less<>> symbols{
      {"_stext", 0}, {"init_top_pgt", 0x2000}, {"init_uts_ns", 0x5000}, {"linux_banner", 0x7000}};
  const LinkedKernel vmlinux{
      x86_64, ByteOrder::little, "", [&symbols](std::string_view name) {
        const auto found = symbols.find(name);
        return found == symbols.end() ? std::nullopt : std::optional(VirtAddr(linked + found->second));
      }};
  const auto images = find_images(memory, vmlinux, {});
  ASSERT_TRUE(images) << images.error().message;
  ASSERT_EQ(images->size(), 1U);
  EXPECT_EQ(images->front().at, PhysAddr(kernel.phys + 0x7000));
  const auto info = Vmcoreinfo::parse(images->front().text);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->release(), "6.1.0-2");
  EXPECT_EQ(info->symbol("_stext"), VirtAddr(kernel.text));
  EXPECT_EQ(info->number("phys_base"), static_cast<std::int64_t>(kernel.phys_base()));
  EXPECT_EQ(info->kernel_offset(), kernel.text - linked);
}

}  // namespace
}  // namespace memsect
