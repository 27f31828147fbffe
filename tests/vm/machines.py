"""The machines that Debian's kernels are tried on: how QEMU builds each, and how its kernel is spoken to.

Each guest needs two lines: a console, kept as a file, and one on which init takes commands. They lie on devices that
Debian's kernels have built in, since a module would come too late.
"""
import dataclasses

CONSOLE = "file{id},path={{folder}}/console"
CONTROL = "socket{id},path={{folder}}/control,server=on,wait=off"


def line(text, name=""):
    return text.format(id=f",id={name}" if name else "")


def character_devices(console, control):
    """Both lines on devices of these names."""
    return ("-chardev", line(CONSOLE, "console"), "-device", f"{console},chardev=console",
            "-chardev", line(CONTROL, "control"), "-device", f"{control},chardev=control")


@dataclasses.dataclass(frozen=True)
class Machine:
    name: str           # as --machines takes it
    debian: str         # Debian's name of the architecture
    suites: tuple       # the newest kernel of these is taken
    package: str        # that always depends on the newest kernel
    qemu: str
    machine: str        # QEMU's -machine and -cpu
    cpu: str
    console: str        # what the kernel calls the two lines
    control: str
    lines: tuple        # and QEMU's options for them
    nodes: bool = True  # several NUMA nodes
    plugs: str = ""     # how memory is plugged: dimm, virtio_mem, or not at all
    dimm_mib: int = 0   # sizes of DIMMs are multiples of this
    note: bool = False  # QEMU learns from the kernel where VMCOREINFO lies, and writes the note
    append: str = ""


# QEMU 7.2's cmpxchg16b is not atomic against interrupts: kernels that allocate with it (6.5+) crash at random.
X86 = Machine(
    "amd64", "amd64", (), "linux-image-cloud-amd64", "qemu-system-x86_64", "q35", "max,cx16=off", "ttyS0", "/dev/ttyS1",
    ("-chardev", line(CONSOLE, "console"), "-serial", "chardev:console", "-chardev", line(CONTROL, "control"), "-serial", "chardev:control"),
    plugs="dimm", dimm_mib=128, note=True)

# arm64 has DIMMs with ACPI only, whose firmware takes its time and leaves one node; virtio-mem it has without.
ARM64 = Machine(
    "arm64", "arm64", ("trixie",), "linux-image-cloud-arm64", "qemu-system-aarch64", "virt,gic-version=3", "max,pauth-impdef=on",
    "ttyAMA0", "/dev/ttyS0",
    ("-chardev", line(CONSOLE, "console"), "-serial", "chardev:console",
     "-chardev", line(CONTROL, "control"), "-device", "pci-serial,chardev=control"),
    plugs="virtio_mem", note=True)

# What emulation cannot do about speculation has to be renounced by name.
PPC64EL = Machine(
    "ppc64el", "ppc64el", ("trixie",), "linux-image-powerpc64le", "qemu-system-ppc64",
    "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off", "power9", "hvc0", "/dev/hvc1",
    character_devices("spapr-vty", "spapr-vty"), plugs="dimm", dimm_mib=256)

# The machine has no NUMA and, in QEMU before 10, no way to plug memory: that of boot goes offline.
S390X = Machine(
    "s390x", "s390x", ("trixie",), "linux-image-s390x", "qemu-system-s390x", "s390-ccw-virtio", "max", "ttyS0", "/dev/ttysclp0",
    character_devices("sclplmconsole", "sclpconsole"), nodes=False, append="movablecore=512M")

# The one serial port of the board is the control line: it is there first.
RISCV64 = Machine(
    "riscv64", "riscv64", ("trixie",), "linux-image-riscv64", "qemu-system-riscv64", "virt", "rv64", "ttyS1", "/dev/ttyS0",
    ("-chardev", line(CONTROL, "control"), "-serial", "chardev:control",
     "-chardev", line(CONSOLE, "console"), "-device", "pci-serial,chardev=console"), append="movablecore=256M")

MACHINES = {machine.name: machine for machine in (
    ARM64,
    # Built for addresses of 52 bits, run by a processor that has 48.
    dataclasses.replace(ARM64, name="arm64-48", cpu="cortex-a57"),
    dataclasses.replace(ARM64, name="arm64-16k", package="linux-image-arm64-16k"),
    PPC64EL,
    # No page tables: vmemmap lies where a list says.
    dataclasses.replace(PPC64EL, name="ppc64el-hash", append="disable_radix"),
    # The stable release has no kernel of this machine with pages of 64 KiB that also has KALLSYMS_ALL.
    dataclasses.replace(PPC64EL, name="ppc64el-64k", suites=("trixie-backports", "sid"), package="linux-image-powerpc64le-64k"),
    S390X,
    RISCV64,
)}
# Big-endian, one node, no note: the most unlike x86, and quickly up.
QUICK = "s390x"
