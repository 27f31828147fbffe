#include "kernel/kernel.h"

#include <fmt/format.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_kernel.h"
#include "support/type_fixture.h"

namespace memsect {
namespace {

using test::Buffer;
using test::build_flattened;
using test::build_kdump;
using test::build_split_kdump;
using test::excluded_page;
using test::FakeKernel;
using test::flat_recipe;
using test::KdumpPage;
using test::KdumpRecipe;
using test::stored_page;
using test::TempFile;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Result<Kernel> open_kernel(const FakeKernel& fake, const std::string& vmlinux, bool force = false) {
  const TempFile dump(fake.elf_core());
  InputRequest request;
  request.files = {dump.path(), vmlinux};
  request.force = force;
  return Kernel::open(request);
}

std::vector<std::string> texts(const Notes& notes, Severity severity) {
  std::vector<std::string> found;
  for (const Note& note : notes.all()) {
    if (note.severity == severity) found.push_back(note.text);
  }
  return found;
}

TEST(Kernel, OfDumpAndVmlinuxKnowsItsAddresses) {
  FakeKernel fake("fake_6");
  fake.put(fake.symbol("sections_per_block"), 16, 4);
  const auto kernel = fake.open();
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->release(), "9.9.9-fake");
  EXPECT_EQ(kernel->build_id(), fake.vmcoreinfo.at("BUILD-ID"));
  EXPECT_EQ(kernel->page_size(), 4096U);
  EXPECT_EQ(kernel->kaslr_offset(), FakeKernel::kaslr_offset);
  EXPECT_EQ(kernel->address_of("mem_section"), fake.symbol("mem_section"));
  EXPECT_EQ(kernel->address_of("no_such_symbol"), std::nullopt);
  EXPECT_EQ(kernel->arch().name, "x86_64");
  EXPECT_EQ(kernel->arch_memory().page_offset, FakeKernel::direct_map);
  EXPECT_THAT(texts(kernel->notes(), Severity::warning), IsEmpty());
  std::vector<std::byte> bytes(4);
  ASSERT_TRUE(kernel->space().read(*kernel->address_of("sections_per_block"), bytes));
  EXPECT_EQ(load_unsigned(bytes, ByteOrder::little), 16U);
}

TEST(Kernel, SaysWhereKernelOffsetIsWrong) {
  FakeKernel fake("fake_6");
  fake.vmcoreinfo["KERNELOFFSET"] = "0";
  const auto kernel = fake.open();
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->kaslr_offset(), FakeKernel::kaslr_offset);  // by _stext
  EXPECT_THAT(texts(kernel->notes(), Severity::warning), Contains(HasSubstr("KERNELOFFSET")));
}

TEST(Pairing, ByBuildIdStopsAtAMismatch) {
  const FakeKernel fake("fake_6");
  const auto kernel = open_kernel(fake, FakeKernel("fake_7").vmlinux());
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, Errc::mismatch);
  EXPECT_THAT(kernel.error().message, HasSubstr(fake.vmcoreinfo.at("BUILD-ID")));
  EXPECT_THAT(kernel.error().hint, HasSubstr("--force"));
}

TEST(Pairing, IsOnlyWarnedAboutWithForce) {
  FakeKernel fake("fake_6");
  fake.vmcoreinfo["BUILD-ID"] = "0123456789abcdef0123456789abcdef01234567";
  ASSERT_FALSE(open_kernel(fake, fake.vmlinux()));
  const auto kernel = open_kernel(fake, fake.vmlinux(), true);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_THAT(texts(kernel->notes(), Severity::warning), Contains(HasSubstr("--force")));
}

TEST(Pairing, WithoutABuildIdGoesByTheBanner) {  // before 5.9
  FakeKernel fake("fake_4_14");
  auto kernel = open_kernel(fake, fake.vmlinux());
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_THAT(texts(kernel->notes(), Severity::note), Contains(HasSubstr("matched by its banner")));

  fake.put_text(fake.symbol("linux_banner"), "Linux version 9.9.10-other (gcc)");
  kernel = open_kernel(fake, fake.vmlinux());
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, Errc::mismatch);
  kernel = open_kernel(fake, fake.vmlinux(), true);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_THAT(texts(kernel->notes(), Severity::warning), Contains(HasSubstr("--force")));
}

TEST(Pairing, TakesNoLongerReleaseForTheSame) {
  FakeKernel fake("fake_4_14");
  fake.put_text(fake.symbol("linux_banner"), "Linux version 9.9.9-fake-2 (gcc)");
  EXPECT_FALSE(open_kernel(fake, fake.vmlinux()));
}

TEST(Pairing, WithADamagedBuildIdGoesByTheBanner) {
  for (const char* damaged : {"zz", "3b43", "0000000000000000000000000000000000000000"}) {
    FakeKernel fake("fake_6");
    fake.vmcoreinfo["BUILD-ID"] = damaged;
    fake.put_text(fake.symbol("linux_banner"), "Linux version " + fake.vmcoreinfo["OSRELEASE"] + " (gcc)");
    const auto kernel = open_kernel(fake, fake.vmlinux());
    ASSERT_TRUE(kernel) << damaged << ": " << kernel.error().message;
    EXPECT_THAT(texts(kernel->notes(), Severity::note), Contains(HasSubstr("damaged")));
  }
}

TEST(Pairing, IsNotBelievedWhereTheBannerIsLost) {
  FakeKernel fake("fake_4_14");
  fake.lose(fake.symbol("linux_banner"), 64);
  const auto refused = open_kernel(fake, fake.vmlinux());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::mismatch);
  const auto kernel = open_kernel(fake, fake.vmlinux(), true);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_THAT(texts(kernel->notes(), Severity::warning), Contains(HasSubstr("cannot be told")));
}

/// The vmlinux with another e_machine.
TempFile vmlinux_of_machine(const FakeKernel& fake, std::uint8_t machine) {
  const std::string image = testing::file_bytes(fake.vmlinux());
  Buffer bytes = test::to_bytes(image);
  bytes[18] = std::byte{machine};
  return TempFile(bytes);
}

TEST(Kernel, OfAnUnknownMachineIsNotSupported) {
  const FakeKernel fake("fake_6");
  const TempFile vmlinux = vmlinux_of_machine(fake, 8);  // EM_MIPS
  const auto kernel = open_kernel(fake, vmlinux.path());
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, Errc::unsupported);
  EXPECT_THAT(kernel.error().message, HasSubstr("e_machine 8"));
}

TEST(Kernel, OfA32BitMachineIsNamedAsThat) {
  const FakeKernel fake("fake_6");
  KdumpRecipe recipe;
  recipe.word_bits = 32;
  recipe.machine = "mips";
  recipe.vmcoreinfo = fake.vmcoreinfo_text();
  recipe.pages[1] = stored_page("one");
  const TempFile dump(build_kdump(recipe).bytes);
  InputRequest request;
  request.files = {dump.path(), fake.vmlinux()};
  const auto kernel = Kernel::open(request);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, Errc::unsupported);
  EXPECT_THAT(kernel.error().message,
              HasSubstr(dump.path() + ": is the dump of a machine with 32-bit words"));
}

TEST(Kernel, OfASplitDumpNamesEveryPart) {
  const FakeKernel fake("fake_6");
  KdumpRecipe recipe;
  recipe.vmcoreinfo = fake.vmcoreinfo_text();
  const auto ranges = fake.memory.ranges();
  ASSERT_TRUE(ranges);
  for (const PhysRange& range : *ranges) {
    for (std::uint64_t at = range.start.raw(); at < range.end().raw(); at += 4096) {
      KdumpPage& page = recipe.pages[at / 4096];
      page.bytes.resize(4096);
      if (!fake.memory.read(PhysAddr(at), page.bytes)) page = excluded_page();
    }
  }
  const std::vector<Buffer> parts = build_split_kdump(recipe, {0, recipe.pages.rbegin()->first / 2});
  const TempFile first(parts[0]);
  const TempFile second(build_flattened(flat_recipe(parts[1])));
  const TempFile second_plain(parts[1]);
  InputRequest request;
  request.files = {second_plain.path(), fake.vmlinux(), first.path()};
  const auto kernel = Kernel::open(request);
  ASSERT_TRUE(kernel) << kernel.error().message;
  ASSERT_EQ(kernel->files().size(), 3U);
  EXPECT_EQ(kernel->files()[0].path, second_plain.path());
  EXPECT_EQ(kernel->files()[1].path, first.path());
  EXPECT_EQ(kernel->files()[1].role, "dump");
  EXPECT_EQ(kernel->dump().info.parts, 2U);

  request.files = {second_plain.path(), second_plain.path(), fake.vmlinux()};
  const auto twice = Kernel::open(request);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Errc::usage);
  EXPECT_THAT(twice.error().message, ::testing::StartsWith(second_plain.path() + " and "));
  request.files = {second.path(), first.path(), fake.vmlinux()};
  EXPECT_EQ(Kernel::open(request).error().code, Errc::usage);  // one flattened, one not
}

TEST(Kernel, WithoutVmcoreinfoSaysHowToGetOne) {
  FakeKernel fake("fake_6");
  const std::string vmlinux = fake.vmlinux();
  fake.vmcoreinfo.clear();
  const auto kernel = open_kernel(fake, vmlinux);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().code, Errc::not_in_dump);
  EXPECT_THAT(kernel.error().message, HasSubstr("has no VMCOREINFO note; no VMCOREINFO was found"));
  EXPECT_THAT(kernel.error().hint, HasSubstr("vmcoreinfo"));
}

TEST(Kernel, FindsVmcoreinfoInMemoryWhereThereIsNoNote) {
  FakeKernel fake("fake_6");
  const std::string vmlinux = fake.vmlinux();
  // As the kernel keeps it: at the start of a page, OSRELEASE first.
  std::string text = "OSRELEASE=" + fake.vmcoreinfo.at("OSRELEASE") + "\nPAGESIZE=4096\n";
  for (const auto& [key, value] : fake.vmcoreinfo) {
    if (key != "OSRELEASE" && key != "PAGESIZE") text += fmt::format("{}={}\n", key, value);
  }
  // Where it says that the kernel's name is, that is.
  text += fmt::format("SYMBOL(init_uts_ns)={:x}\n", fake.symbol("scratch").raw());
  fake.put_text(fake.symbol("scratch") + 65 * 2, fake.vmcoreinfo.at("OSRELEASE"));
  fake.put_text(FakeKernel::at(0x2600000), text);
  fake.vmcoreinfo.clear();
  const auto kernel = open_kernel(fake, vmlinux);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->release(), "9.9.9-fake");
  EXPECT_THAT(texts(kernel->notes(), Severity::note),
              Contains(HasSubstr("found in memory, at physical address 0x2600000")));
  EXPECT_THAT(texts(kernel->notes(), Severity::warning), IsEmpty());
}

TEST(Kernel, WithoutAVmlinuxSaysWhatElseItTried) {
  const FakeKernel fake("fake_6");
  const TempFile dump(fake.elf_core());
  InputRequest request;
  request.files = {dump.path()};
  request.search = false;
  auto kernel = Kernel::open(request);
  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().message, HasSubstr(dump.path()));
  EXPECT_THAT(kernel.error().message, HasSubstr("kallsyms"));
  EXPECT_THAT(kernel.error().message, Not(HasSubstr("/boot/System.map")));
  EXPECT_THAT(kernel.error().hint, HasSubstr("System.map"));
  request.search = true;
  kernel = Kernel::open(request);
  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().message, HasSubstr("/boot/System.map-9.9.9-fake: not there"));
  EXPECT_THAT(kernel.error().message, HasSubstr("/boot/vmlinux-9.9.9-fake (not there)"));
}

}  // namespace
}  // namespace memsect
