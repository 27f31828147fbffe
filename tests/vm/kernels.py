"""Debian's kernels: found and fetched by APT, unpacked into a cache.

The archive is the one this machine's APT uses. Other suites and architectures get lists and a cache of their own, so
nothing of the machine's APT changes; the signatures are checked against debian-archive-keyring. Of a kernel the image and
a few modules are kept, no debug information (Debian's System.map lies among that, too).

  CACHE/apt/SUITE[-ARCHITECTURE]/...    lists and packages
  CACHE/images/RELEASE/                 image, modules/NN-NAME.ko in the order in which they load
  CACHE/busybox/ARCHITECTURE            of other machines; that of this one is installed
"""
import glob
import gzip
import lzma
import os
import re
import shutil
import subprocess
import tempfile
import time

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
BUSYBOX = "/bin/busybox"
BUSYBOX_SUITE = "trixie"
LISTS_KEEP = 20 * 3600  # seconds

# By the names that --kernels takes. "newest" is the newest of its suites.
SUITES = {
    "6.1": ("bookworm",),
    "6.12": ("trixie",),
    "newest": ("trixie-backports", "sid"),
}
# Through the first QEMU is told where VMCOREINFO lies, through the second memory is plugged. A kernel that has them built
# in, or not at all, does without.
MODULES = ("qemu_fw_cfg", "virtio_pci", "virtio_mem")
# A newer kernel is tried all the same, and a failure may then be the kernel's news, not memsect's fault.
NEWEST_TRIED = (7, 3)


class Unavailable(Exception):
    """A kernel or a tool cannot be had here. No failure of memsect."""


class Kernel:
    def __init__(self, machine, folder, shell):
        self.machine = machine
        self.busybox = shell
        self.release = os.path.basename(folder)
        self.image = os.path.join(folder, "image")
        self.modules = sorted(glob.glob(f"{folder}/modules/*.ko"))
        self.version = tuple(int(x) for x in re.match(r"(\d+)\.(\d+)", self.release).groups())


def default_cache():
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "memsect-vm")


def run(*words, cwd=None):
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{words[0]}: {error}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{words[0]}: {lines[-1] if lines else 'failed'}")
    return done.stdout


def archive():
    """Where this machine's APT gets Debian from."""
    form = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"
    for line in run("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines():
        origin, label, component, uri = line.split("|")
        if (origin, label, component) == ("Debian", "Debian", "main"):
            return uri
    raise Unavailable("no Debian archive among the sources of APT")


class Suite:
    """One suite of the archive, through an APT that shares nothing with the machine's but its proxies."""

    def __init__(self, name, architecture, cache):
        self.name = name
        self.architecture = architecture
        self.folder = os.path.join(cache, "apt", name if architecture == "amd64" else f"{name}-{architecture}")
        for part in ("lists/partial", "archives/partial", "state"):
            os.makedirs(os.path.join(self.folder, part), exist_ok=True)

    def apt(self, tool, *words, cwd=None):
        options = {
            "Dir::Etc::sourcelist": f"{self.folder}/sources.list", "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-", "Dir::Etc::preferencesparts": "-",
            "Dir::State": f"{self.folder}/state", "Dir::State::lists": f"{self.folder}/lists",
            "Dir::State::status": "/dev/null", "Dir::Cache": self.folder, "Dir::Cache::archives": f"{self.folder}/archives",
            "APT::Architecture": self.architecture, "APT::Architectures": self.architecture, "Acquire::Languages": "none",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "", "Acquire::Retries": "2",
        }
        return run(tool, *(word for key, value in options.items() for word in ("-o", f"{key}={value}")), *words, cwd=cwd)

    def update(self):
        stamp = os.path.join(self.folder, "updated")
        if os.path.exists(stamp) and time.time() - os.path.getmtime(stamp) < LISTS_KEEP:
            return
        with open(os.path.join(self.folder, "sources.list"), "w", encoding="utf-8") as file:
            file.write(f"deb [arch={self.architecture} signed-by={KEYRING}] {archive()} {self.name} main\n")
        self.apt("apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update")
        with open(stamp, "w", encoding="utf-8"):
            pass

    def depends(self, package):
        return re.findall(r"^\s*(?:Pre)?Depends: (\S+)$", self.apt("apt-cache", "depends", "--no-recommends", package), re.M)

    def release(self, package):
        """The release of the suite's kernel: what the package that always depends on the newest one depends on."""
        for name in self.depends(package):
            found = re.fullmatch(r"linux-image-(\d\S+)", name)
            if found:
                return found[1]
        raise Unavailable(f"{self.name} has no {package}")

    def unpack(self, package, work, more=lambda name: False):
        """Unpacks a package into work/files, and those it depends on as far as `more` says."""
        pending, seen = [package], set()
        while pending:
            package = pending.pop()
            if package in seen:
                continue
            seen.add(package)
            self.apt("apt-get", "-qq", "download", package, cwd=work)
            pending += [name for name in self.depends(package) if more(name)]
        for archive_file in glob.glob(f"{work}/*.deb"):
            run("dpkg-deb", "-x", archive_file, f"{work}/files")

    def fetch(self, release, folder):
        """Takes what a guest needs of a kernel into `folder`."""
        with tempfile.TemporaryDirectory(prefix="memsect-kernel-") as work:
            # Newer releases keep image and modules in packages of their own.
            self.unpack(f"linux-image-{release}", work, lambda name: name.startswith("linux-") and release in name)
            keep(f"{work}/files", release, folder)


def first(release, *patterns):
    """The first file that matches."""
    for pattern in patterns:
        found = sorted(glob.glob(pattern, recursive=True))
        if found:
            return found[0]
    raise Unavailable(f"the packages of {release} hold no {os.path.basename(patterns[0])}")


def module_bytes(root, name):
    """An unpacked module, or nothing when there is none."""
    for path in glob.glob(f"{root}/**/kernel/**/{name}.ko*", recursive=True):
        with {".xz": lzma.open, ".gz": gzip.open}.get(os.path.splitext(path)[1], open)(path, "rb") as file:
            return file.read()
    return b""


def load_order(root, wanted):
    """(name, bytes) of the modules that are there, each after those that it says it depends on."""
    order = {}
    for name in wanted:
        content = module_bytes(root, name)
        if not content or name in order:
            continue
        told = re.search(rb"\0depends=([^\0]+)\0", content)
        order.update(load_order(root, told[1].decode().split(",") if told else ()))
        order[name] = content
    return order


def keep(root, release, folder):
    """Takes what a guest needs of the unpacked packages."""
    shutil.rmtree(folder + ".part", ignore_errors=True)
    os.makedirs(folder + ".part/modules")
    shutil.copy(first(release, f"{root}/boot/vmlinu[xz]-*", f"{root}/usr/lib/modules/*/vmlinu[xz]"), f"{folder}.part/image")
    for number, (name, content) in enumerate(load_order(root, MODULES).items()):
        with open(f"{folder}.part/modules/{number:02}-{name}.ko", "wb") as file:
            file.write(content)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(folder + ".part", folder)


def version_key(release):
    return [int(x) for x in re.findall(r"\d+", release)]


def find(machine, suites, cache):
    """The newest of a machine's kernels in some suites, fetched where that is needed. Raises Unavailable."""
    found, problems = [], []
    for suite in (Suite(name, machine.debian, cache) for name in suites):
        try:
            suite.update()
            release = suite.release(machine.package)
            found.append((version_key(release), release, suite))
        except Unavailable as problem:
            problems.append(f"{suite.name}: {problem}")
    if not found:
        raise Unavailable("; ".join(problems))
    _, release, suite = max(found, key=lambda entry: entry[0])
    folder = os.path.join(cache, "images", release)
    if not os.path.isdir(f"{folder}/modules"):
        suite.fetch(release, folder)
    return Kernel(machine, folder, busybox(machine, cache))


def busybox(machine, cache):
    """The path of a static busybox that runs on a machine. Raises Unavailable."""
    if machine.debian == "amd64":
        if not os.path.exists(BUSYBOX):
            raise Unavailable(f"{BUSYBOX} is not installed")
        return BUSYBOX
    path = os.path.join(cache, "busybox", machine.debian)
    if not os.path.exists(path):
        suite = Suite(BUSYBOX_SUITE, machine.debian, cache)
        suite.update()
        with tempfile.TemporaryDirectory(prefix="memsect-busybox-") as work:
            suite.unpack("busybox-static", work)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(first("busybox", f"{work}/files/usr/bin/busybox", f"{work}/files/bin/busybox"), path + ".part")
            os.rename(path + ".part", path)
    return path
