"""A Debian kernel in QEMU, by software emulation: boots in seconds without KVM.

The guest has no disk. Its initramfs holds busybox, this folder's init, and the programs under test with the libraries
that ldd names. Two lines: the console, kept as a file, and the one on which init takes commands (machines.py):

  to the guest    NUMBER COMMAND                     one line
  from it         BEGIN NUMBER STATUS SIZE           one line, then SIZE bytes of output

Beside it the monitor (QMP): memory is plugged and unplugged and dumps are taken through it.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import initramfs
from initramfs import read_file
from kernels import Unavailable

# Seconds until a guest that does not answer is given up at first. One boots in 5 to 15, and some never do.
BOOT = 60
# Init says every three seconds on the console that it is alive. Some guests sleep for good, with no interrupt to wake them.
SILENCE = 45


class GuestFailure(Exception):
    """The guest or QEMU did something else than it was asked to."""


class GuestCrash(GuestFailure):
    """The guest's kernel crashed, or stands still: emulation is not always sound, and reading memory does neither."""


class Monitor:
    """QEMU's monitor, for one thread at a time."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rw")
        self.stream.readline()
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        with self.lock:
            try:
                return self.exchange(command, arguments)
            except OSError as problem:  # a QEMU that does not even answer here hangs
                raise GuestCrash(f"{command}: {problem}") from problem

    def exchange(self, command, arguments):
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        for line in self.stream:
            answer = json.loads(line)
            if "error" in answer:
                raise GuestFailure(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise GuestFailure(f"{command}: QEMU ended")


class Guest:
    """A running guest; a context manager that ends QEMU and removes its files."""

    def __init__(self, kernel, programs=(), node_mib=(384, 384), append="", resizable_mib=0):
        """`resizable_mib`: of the virtio-mem device, which begins empty; 0 for none."""
        self.machine = kernel.machine
        if not shutil.which(self.machine.qemu):
            raise Unavailable(f"{self.machine.qemu} is not installed")
        self.kernel = kernel
        self.folder = tempfile.mkdtemp(prefix="memsect-vm-")
        self.patience = BOOT
        self.heard = (0, 0.0)  # size of the console, and since when
        self.asked = 0.0
        self.number = 0
        self.process = None
        self.pending = b""
        with open(f"{self.folder}/initrd", "wb") as file:
            file.write(initramfs.archive(initramfs.contents(kernel, programs)))
        self.command = self.machine_options(append) + self.memory_options(node_mib, resizable_mib)

    def machine_options(self, append):
        machine = self.machine
        words = f"console={machine.console} panic=-1 oops=panic quiet memhp_default_state=offline {machine.append} {append}"
        options = [
            machine.qemu, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-accel", "tcg,thread=multi",
            "-machine", machine.machine, "-cpu", machine.cpu, "-smp", "2",
            "-kernel", self.kernel.image, "-initrd", f"{self.folder}/initrd", "-append", words,
            "-qmp", f"unix:{self.folder}/monitor,server=on,wait=off", *(word.format(folder=self.folder) for word in machine.lines)]
        return options + (["-device", "vmcoreinfo"] if machine.note else [])

    def memory_options(self, node_mib, resizable_mib):
        size = f"{sum(node_mib)}M"
        if self.machine.plugs:
            size += ",maxmem=8G" + (",slots=8" if self.machine.plugs == "dimm" else "")
        options = ["-m", size]
        for node, mib in enumerate(node_mib if self.machine.nodes else ()):
            options += ["-object", f"memory-backend-ram,id=ram{node},size={mib}M", "-numa", f"node,nodeid={node},memdev=ram{node},cpus={node}"]
        if resizable_mib:
            options += ["-object", f"memory-backend-ram,id=resizable-ram,size={resizable_mib}M",
                        "-device", f"virtio-mem-pci,id=resizable,memdev=resizable-ram,node={len(node_mib) - 1},requested-size=0,block-size=2M"]
        return options

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        with open(f"{self.folder}/qemu", "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not (os.path.exists(f"{self.folder}/control") and os.path.exists(f"{self.folder}/monitor")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable("QEMU does not start: " + read_file(f"{self.folder}/qemu").decode(errors="replace").strip())
            time.sleep(0.05)
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(f"{self.folder}/control")
        self.monitor = Monitor(f"{self.folder}/monitor")
        self.answer(0, self.patience)

    def receive(self, deadline):
        self.control.settimeout(1)
        while True:
            if self.process.poll() is not None:
                if self.has_crashed():
                    raise GuestCrash("the kernel crashed:\n" + self.console()[-1500:])
                raise GuestFailure("QEMU ended: " + read_file(f"{self.folder}/qemu").decode(errors="replace").strip())
            if time.monotonic() > deadline:
                raise GuestCrash("no answer; the console ends with:\n" + self.console()[-1500:])
            if self.is_silent():
                raise GuestCrash("no sign of life; the console ends with:\n" + self.console()[-1500:])
            try:
                got = self.control.recv(1 << 16)
            except socket.timeout:
                continue
            self.pending += got
            return

    def answer(self, number, seconds):
        """(status, bytes) of command `number`."""
        deadline = time.monotonic() + seconds
        head = re.compile(rb"BEGIN %d (\d+) (\d+)\n" % number)
        while not (found := head.search(self.pending)):
            self.receive(deadline)
        size = int(found[2])
        while len(self.pending) < found.end() + size:
            self.receive(deadline)
        output = self.pending[found.end():found.end() + size]
        self.pending = self.pending[found.end() + size:]
        return int(found[1]), output

    def run(self, command, seconds=120):
        """(status, bytes) of a command in the guest's shell."""
        assert "\n" not in command
        self.number += 1
        self.control.sendall(f"{self.number} {command}\n".encode())
        try:
            return self.answer(self.number, seconds)
        except GuestCrash as crash:
            raise GuestCrash(f"{command}: {crash}") from crash

    def text(self, command, seconds=120):
        """What a command that must succeed prints."""
        status, output = self.run(command, seconds)
        if status != 0:
            raise GuestFailure(f"{command}: status {status}: {output.decode(errors='replace').strip()}")
        return output.decode()

    def is_silent(self):
        """Whether a guest that was up has said nothing for long. Only asked while an answer is waited for."""
        size, now = os.path.getsize(f"{self.folder}/console"), time.monotonic()
        if size != self.heard[0] or now - self.asked > SILENCE:
            self.heard = (size, now)
        self.asked = now
        return self.number > 0 and now - self.heard[1] > SILENCE

    def console(self):
        return re.sub(r"alive\r?\n", "", read_file(f"{self.folder}/console").decode(errors="replace"))

    def has_crashed(self):
        return re.search(r"Kernel panic|Oops: |BUG: ", self.console()) is not None

    # ---- memory

    def blocks(self):
        """Numbers of the memory blocks."""
        names = self.text("cd /sys/devices/system/memory; echo memory[0-9]*").split()
        return {int(name[len("memory"):]) for name in names}

    def plug(self, name, mib, node):
        """Plugs a DIMM and waits for its blocks, which are returned."""
        before = self.blocks()
        self.insert(name, mib, node)
        for _ in range(100):
            new = self.blocks() - before
            if len(new) * self.block_size() >= mib << 20:
                return sorted(new)
            time.sleep(0.1)
        raise GuestFailure(f"the kernel does not see DIMM {name}")

    def resize(self, mib):
        """Tells the virtio-mem device how much to have plugged, and waits for it; returns the blocks that are new."""
        before = self.blocks()
        device = {"path": "/machine/peripheral/resizable"}
        self.monitor.do("qom-set", **device, property="requested-size", value=mib << 20)
        for _ in range(200):
            if self.monitor.do("qom-get", **device, property="size") == mib << 20:
                return sorted(self.blocks() - before)
            time.sleep(0.1)
        raise GuestFailure(f"the kernel does not take {mib} MiB of virtio-mem")

    def unplug(self, name):
        """Takes a DIMM away and waits until the kernel has let go of it."""
        for attempt in range(600):
            if attempt % 100 == 0:  # it may have missed the request
                try:
                    self.monitor.do("device_del", id=name)
                except GuestFailure as problem:
                    if "unplug" not in str(problem):  # "already in the process of unplug"
                        raise
            if not any(device["data"]["id"] == name for device in self.monitor.do("query-memory-devices")):
                self.monitor.do("object-del", id=f"backend-{name}")
                return
            time.sleep(0.1)
        raise GuestFailure(f"the guest does not let go of DIMM {name}")

    def insert(self, name, mib, node):
        """Plugs a DIMM and does not wait."""
        self.monitor.do("object-add", **{"qom-type": "memory-backend-ram", "id": f"backend-{name}", "size": mib << 20})
        self.monitor.do("device_add", driver="pc-dimm", id=name, memdev=f"backend-{name}", node=node)

    def block_size(self):
        return int(self.text("cat /sys/devices/system/memory/block_size_bytes"), 16)

    def block_state(self, number):
        return self.text(f"cat /sys/devices/system/memory/memory{number}/state").strip()

    def set_block(self, number, state):
        """online_movable, online_kernel or offline. Where plugging already brings memory online it is taken back first."""
        if self.block_state(number) == "online":
            self.text(f"echo offline > /sys/devices/system/memory/memory{number}/state")
        if state == "offline":
            return
        self.text(f"echo {state} > /sys/devices/system/memory/memory{number}/state")

    def dump(self, path):
        """An ELF dump of the stopped guest."""
        self.monitor.do("stop")
        try:
            self.monitor.do("dump-guest-memory", paging=False, protocol=f"file:{path}")
        finally:
            self.monitor.do("cont")
