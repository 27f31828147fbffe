// The one table of what is told and not read. Formats that are read have drivers (format.cc); what is compressed as a
// whole is in packing.cc. Magics are those of the tools that write them: LKCD's dump.h, zgetdump of s390-tools,
// makedumpfile's sadump_mod.h, kernel/power/swap.c, libewf, qemu's block drivers, xl, VirtualBox, file(1).
#include "formats/known_containers.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/byte_order.h"

namespace memsect {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view disk_hint =
    "memory is in no disk image: take a dump of the running guest, virsh dump --memory-only GUEST FILE";
constexpr std::string_view archive_hint = "unpack it first, and name the vmcore and the vmlinux in it";
constexpr std::string_view windows_hint =
    "it is of Windows, or written as if: dump the guest again as ELF, virsh dump --memory-only --format elf "
    "GUEST FILE";
constexpr std::string_view s390_hint = "convert it first: zgetdump --fmt elf FILE > vmcore";
constexpr std::string_view lkcd_hint =
    "open it with crash, together with its vmlinux; kernels since 2.6.13 dump by kdump";
constexpr std::string_view text_hint = "it is text: the dump was written beside it, as vmcore";

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  KnownContainer container;
};
constexpr auto magics = std::to_array<Magic>({
    {0, "\xa8\x19\x01\x73\x61\x8f\x23\xfd"sv, {"is a stand-alone dump of s390", s390_hint}},
    {0, "\xed\x23\x8f\x61\x73\x01\x19\xa8"sv, {"is a dump of LKCD", lkcd_hint}},
    {0, "\xa8\x19\x01\x73\x61\x8f\x23\xed"sv, {"is a dump of LKCD", lkcd_hint}},
    {0,
     "DISKDUMP"sv,
     {"is a dump of diskdump (RHEL 3 and 4)", "open it with crash, together with its vmlinux"}},
    {0,
     "sadump\0\0"sv,
     {"is a dump by the firmware (sadump)", "convert it first: makedumpfile -d 1 -x VMLINUX FILE vmcore"}},
    {4086,
     "S1SUSPEND\0"sv,
     {"is a hibernation image",
      "it holds the pages that were saved, not all memory: take a dump by kdump instead"}},
    {4086, "SWAPSPACE2"sv, {"is a swap area", "name the dump: kdump puts it in /var/crash"}},
    {0, "PAGEDU64"sv, {"is a dump of Windows", windows_hint}},
    {0, "PAGEDUMP"sv, {"is a dump of Windows", windows_hint}},
    {0, "MDMP"sv, {"is a minidump of Windows", windows_hint}},
    {0,
     "EVF\x09\x0d\x0a\xff\0"sv,
     {"is an image of EnCase (E01)",
      "convert it first: ewfexport -f raw FILE; then name it as raw@ADDRESS:FILE"}},
    {0,
     "EVF2\x0d\x0a\x81\0"sv,
     {"is an image of EnCase (Ex01)",
      "convert it first: ewfexport -f raw FILE; then name it as raw@ADDRESS:FILE"}},
    {0, "QFI\xfb"sv, {"is a disk image (qcow2)", disk_hint}},
    {0, "KDMV"sv, {"is a disk image (vmdk)", disk_hint}},
    {0, "COWD"sv, {"is a disk image (vmdk)", disk_hint}},
    {0, "# Disk DescriptorFile"sv, {"is the description of a disk image (vmdk)", disk_hint}},
    {0, "vhdxfile"sv, {"is a disk image (vhdx)", disk_hint}},
    {0, "conectix"sv, {"is a disk image (vhd)", disk_hint}},
    {0x40, "\x7f\x10\xda\xbe"sv, {"is a disk image (vdi)", disk_hint}},
    {0,
     "\x7fVirtualBox SavedState"sv,
     {"is a saved state of VirtualBox",
      "take a dump of the running guest: VBoxManage debugvm GUEST dumpvmcore --filename FILE"}},
    {0,
     "Xen saved domain, xl format"sv,
     {"is a guest saved by xl save",
      "restore it (xl restore FILE) and take a dump: xl dump-core GUEST vmcore"}},
    {0,
     "libvirt-xml\n"sv,
     {"is a guest saved by libvirt from Xen",
      "restore it (virsh restore FILE) and take a dump: virsh dump GUEST vmcore"}},
    {0,
     "QEVM"sv,
     {"is a migration stream of QEMU",
      "load it (qemu-system-... -incoming 'exec:cat FILE') and take a dump: dump-guest-memory vmcore"}},
    {0,
     "LibvirtQemudSave"sv,
     {"is a guest saved by virsh save",
      "restore it (virsh restore --paused FILE) and take a dump: virsh dump --memory-only GUEST vmcore"}},
    {0,
     "LibvirtQemudPart"sv,
     {"is a guest that virsh save did not finish saving",
      "take a dump: virsh dump --memory-only GUEST vmcore"}},
    {0,
     "\xd2\xbe\xd2\xbe"sv,
     {"is a suspended guest of VMware (vmss, vmsn)",
      "name the memory beside it: raw@0:NAME.vmem, or vmss2core -N FILE"}},
    {0,
     "\xd0\xbe\xd0\xbe"sv,
     {"is a suspended guest of VMware (vmss, vmsn)",
      "name the memory beside it: raw@0:NAME.vmem, or vmss2core -N FILE"}},
    {0,
     "\xd3\xbe\xd3\xbe"sv,
     {"is a suspended guest of VMware (vmss, vmsn)",
      "name the memory beside it: raw@0:NAME.vmem, or vmss2core -N FILE"}},
    {0, "\x04\x22\x4d\x18"sv, {"is compressed with lz4", "decompress it first: unlz4 FILE"}},
    {0, "\x02\x21\x4c\x18"sv, {"is compressed with lz4", "decompress it first: unlz4 FILE"}},
    {0, "LZIP\x01"sv, {"is compressed with lzip", "decompress it first: lzip --decompress --keep FILE"}},
    {0, "\xfdLZMA"sv, {"is compressed with lzma", "decompress it first: unlzma --keep FILE"}},
    {257, "ustar"sv, {"is an archive (tar)", archive_hint}},
    {0, "PK\x03\x04"sv, {"is an archive (zip)", archive_hint}},
    {0, "7z\xbc\xaf\x27\x1c"sv, {"is an archive (7z)", archive_hint}},
    {0, "Rar!\x1a\x07"sv, {"is an archive (rar)", archive_hint}},
    {0, "070701"sv, {"is an archive (cpio)", archive_hint}},
    {0,
     "\xed\xab\xee\xdb"sv,
     {"is a package (rpm)", "unpack it first: rpm2cpio FILE | cpio -idm; the vmlinux is in usr/lib/debug"}},
    {0,
     "!<arch>\ndebian-binary"sv,
     {"is a package (deb)", "unpack it first: dpkg-deb -x FILE FOLDER; the vmlinux is in usr/lib/debug"}},
});

constexpr KnownContainer kernel_log{"is a kernel log (vmcore-dmesg.txt)", text_hint};
constexpr KnownContainer unfinished{
    "begins with zeros: a dump that was never finished (vmcore-incomplete), or a disk or memory as it is",
    "look for a complete vmcore beside it; memory as it is, is named as raw@ADDRESS:FILE"};

bool begins_with_zeros(Bytes head) {
  constexpr std::size_t enough = 4096;
  return head.size() >= enough &&
         std::all_of(head.begin(), head.end(), [](std::byte byte) { return byte == std::byte{}; });
}

/// "[    0.000000] Linux version", or with the level in front, "<6>[".
bool is_kernel_log(std::string_view text) {
  if (text.size() > 3 && text[0] == '<' && text[2] == '>') text.remove_prefix(3);
  if (!text.starts_with('[')) return false;
  const std::size_t end = text.find(']');
  constexpr std::size_t longest_time = 20;
  if (end == std::string_view::npos || end < 3 || end > longest_time) return false;
  const std::string_view time = text.substr(1, end - 1);
  return time.find('.') != std::string_view::npos &&
         time.find_first_not_of(" 0123456789.") == std::string_view::npos;
}

}  // namespace

const KnownContainer* known_container(Bytes head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  for (const Magic& magic : magics) {
    if (text.size() >= magic.offset && text.substr(magic.offset).starts_with(magic.bytes))
      return &magic.container;
  }
  if (is_kernel_log(text)) return &kernel_log;
  return begins_with_zeros(head) ? &unfinished : nullptr;
}

}  // namespace memsect
