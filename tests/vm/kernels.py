"""Debian's kernels: found and fetched by APT, unpacked into a cache.

The archive is the one this machine's APT uses. Other suites get lists and a cache of their own, so nothing of the
machine's APT changes; the signatures are checked against debian-archive-keyring. Of a kernel the image and the module
qemu_fw_cfg are kept (through which QEMU is told where VMCOREINFO lies), no debug information.

  CACHE/apt/SUITE/...            lists and packages
  CACHE/kernels/RELEASE/         vmlinuz, qemu_fw_cfg.ko where it is not built in
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
PACKAGE = "linux-image-cloud-amd64"
LISTS_KEEP = 20 * 3600  # seconds

# By the names that --kernels takes. "newest" is the newest of its suites.
SUITES = {
    "6.1": ("bookworm",),
    "6.12": ("trixie",),
    "newest": ("trixie-backports", "sid"),
}
# A newer kernel is tried all the same, and a failure may then be the kernel's news, not memsect's fault.
NEWEST_TRIED = (7, 3)


class Unavailable(Exception):
    """A kernel or a tool cannot be had here. No failure of memsect."""


class Kernel:
    def __init__(self, folder):
        self.release = os.path.basename(folder)
        self.image = os.path.join(folder, "vmlinuz")
        module = os.path.join(folder, "qemu_fw_cfg.ko")
        self.modules = [module] if os.path.exists(module) else []
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

    def __init__(self, name, cache):
        self.name = name
        self.folder = os.path.join(cache, "apt", name)
        for part in ("lists/partial", "archives/partial", "state"):
            os.makedirs(os.path.join(self.folder, part), exist_ok=True)

    def apt(self, tool, *words, cwd=None):
        options = {
            "Dir::Etc::sourcelist": f"{self.folder}/sources.list", "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-", "Dir::Etc::preferencesparts": "-",
            "Dir::State": f"{self.folder}/state", "Dir::State::lists": f"{self.folder}/lists",
            "Dir::State::status": "/dev/null", "Dir::Cache": self.folder, "Dir::Cache::archives": f"{self.folder}/archives",
            "APT::Architecture": "amd64", "APT::Architectures": "amd64", "Acquire::Languages": "none",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "", "Acquire::Retries": "2",
        }
        return run(tool, *(word for key, value in options.items() for word in ("-o", f"{key}={value}")), *words, cwd=cwd)

    def update(self):
        stamp = os.path.join(self.folder, "updated")
        if os.path.exists(stamp) and time.time() - os.path.getmtime(stamp) < LISTS_KEEP:
            return
        with open(os.path.join(self.folder, "sources.list"), "w", encoding="utf-8") as file:
            file.write(f"deb [arch=amd64 signed-by={KEYRING}] {archive()} {self.name} main\n")
        self.apt("apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update")
        with open(stamp, "w", encoding="utf-8"):
            pass

    def depends(self, package):
        return re.findall(r"^\s*(?:Pre)?Depends: (\S+)$", self.apt("apt-cache", "depends", "--no-recommends", package), re.M)

    def release(self):
        """The release of the suite's kernel: what the package that always depends on the newest one depends on."""
        for name in self.depends(PACKAGE):
            found = re.fullmatch(r"linux-image-(\d\S+)", name)
            if found:
                return found[1]
        raise Unavailable(f"{self.name} has no {PACKAGE}")

    def fetch(self, release, folder):
        """Unpacks image and module into `folder`."""
        with tempfile.TemporaryDirectory(prefix="memsect-kernel-") as work:
            pending, seen = [f"linux-image-{release}"], set()
            while pending:
                package = pending.pop()
                if package in seen:
                    continue
                seen.add(package)
                self.apt("apt-get", "-qq", "download", package, cwd=work)
                # Newer releases keep image and modules in packages of their own.
                pending += [name for name in self.depends(package) if name.startswith("linux-") and release in name]
            for package in glob.glob(f"{work}/*.deb"):
                run("dpkg-deb", "-x", package, f"{work}/root")
            keep(f"{work}/root", release, folder)


def keep(root, release, folder):
    """Takes what a guest needs of the unpacked packages."""
    images = glob.glob(f"{root}/boot/vmlinuz-*") + glob.glob(f"{root}/usr/lib/modules/*/vmlinuz")
    if not images:
        raise Unavailable(f"the packages of {release} hold no kernel image")
    os.makedirs(folder + ".part", exist_ok=True)
    shutil.copy(images[0], f"{folder}.part/vmlinuz")
    for module in glob.glob(f"{root}/**/qemu_fw_cfg.ko*", recursive=True):
        opener = {".xz": lzma.open, ".gz": gzip.open}.get(os.path.splitext(module)[1], open)
        with opener(module, "rb") as source, open(f"{folder}.part/qemu_fw_cfg.ko", "wb") as target:
            shutil.copyfileobj(source, target)
    os.rename(folder + ".part", folder)


def version_key(release):
    return [int(x) for x in re.findall(r"\d+", release)]


def find(name, cache):
    """The kernel called `name` in SUITES, fetched where that is needed. Raises Unavailable."""
    suites = [Suite(suite, cache) for suite in SUITES[name]]
    found, problems = [], []
    for suite in suites:
        try:
            suite.update()
            found.append((version_key(suite.release()), suite.release(), suite))
        except Unavailable as problem:
            problems.append(f"{suite.name}: {problem}")
    if not found:
        raise Unavailable("; ".join(problems))
    _, release, suite = max(found, key=lambda entry: entry[0])
    folder = os.path.join(cache, "kernels", release)
    if not os.path.isdir(folder):
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        shutil.rmtree(folder + ".part", ignore_errors=True)
        suite.fetch(release, folder)
    return Kernel(folder)
