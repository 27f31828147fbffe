#!/usr/bin/env python3
"""Boots Debian kernels in QEMU and holds what memsect says of them against what they say of themselves.

Each guest has two NUMA nodes and three hot-plugged DIMMs: one that stays offline, one in ZONE_MOVABLE, one that is
in an ordinary zone. memsect reads /proc/kcore inside, and outside the dump that QEMU takes a moment later; no debug
information is at hand for either. Both answers are held against /proc/pagetypeinfo, /proc/zoneinfo, the memory
blocks of sysfs and dmesg, read before and after, and against each other. Then memsect reads on while memory is plugged,
onlined and taken away again (hotplug.py).

A kernel, QEMU or a network that cannot be had is no failure: the row says so. The last line is "N passed, N failed,
N skipped".
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import compare
import hotplug
import kernels
import offline
from guest import Guest, GuestCrash, GuestFailure
from kernels import Unavailable
from words import Words

COMMANDS = ("info", "sections", "nodes", "blocks", "usemap", "subsections", "deps")
ATTEMPTS = 3  # at words that move while memsect looks


class Failure(Exception):
    """memsect is wrong: what it said, and what it should have said."""


def data_of(command, status, output, errors):
    if status != 0:
        raise Failure(f"{command}: exit {status}: {errors.strip()} {output[-300:].decode(errors='replace') if status == 5 else ''}")
    return json.loads(output)


def ask_live(guest, files):
    """command -> envelope, from inside the guest."""
    answers = {}
    for command in COMMANDS:
        status, output = guest.run(f"memsect {command} {files} --format json 2> /tmp/errors", 300)
        answers[command] = data_of(command, status, output, guest.text("cat /tmp/errors"))
        if answers[command]["source"]["live"] is not True:
            raise Failure(f"{command}: does not say that it read the running kernel")
    return answers


def ask_dump(memsect, dump, vmlinux):
    """The same from the dump."""
    files = [dump] + ([vmlinux] if vmlinux else [])
    answers = {}
    for command in COMMANDS:
        done = subprocess.run([memsect, command, *files, "--no-search", "--format", "json"], capture_output=True, check=False)
        answers[command] = data_of(command, done.returncode, done.stdout, done.stderr.decode(errors="replace"))
    return answers


def only_data(envelopes):
    return {command: envelope["data"] for command, envelope in envelopes.items() if command != "info"}


def check(problems):
    problems = list(problems)
    if problems:
        raise Failure("\n".join(problems[:6]))


MOST_ATTEMPTS = 3
# Guests for the verdicts, and what their kernels are told.
OFFLINING = (("ordinary", "movablecore=128M"), ("memmap_on_memory", "memory_hotplug.memmap_on_memory=1"))


class Row:
    """What came of one kernel."""

    COLUMNS = ("live", "dump", "live = dump", "hot-plug loop", "offlining")

    def __init__(self, name):
        self.name = name
        self.release = ""
        self.cells = dict.fromkeys(self.COLUMNS, "-")
        self.problems = []
        self.skipped = ""
        self.crashed = False
        self.seconds = 0
        self.tables = []

    def step(self, column, action):
        """Runs one step; what it returns is the cell."""
        start = time.monotonic()
        try:
            self.cells[column] = action() or "ok"
        except Failure as failure:
            self.cells[column] = "FAILED"
            self.problems.append(f"{column}: {failure}")
        except GuestFailure as failure:
            self.cells[column] = "FAILED"
            self.problems.append(f"{column}: the guest: {failure}")
        print(f"{self.release}: {column}: {self.cells[column]}, {time.monotonic() - start:.0f} s", flush=True)

    def line(self):
        cells = [self.skipped and f"skipped: {self.skipped}"] if self.skipped else [self.cells[c] for c in self.COLUMNS]
        return [self.name, self.release or "-", *cells, f"{self.seconds:.0f} s"]


class Case:
    """One kernel in one guest, step by step."""

    def __init__(self, guest, options):
        self.guest = guest
        self.options = options
        self.version = guest.kernel.version
        self.vmlinux = vmlinux_of(guest.kernel, options)
        self.files = "/bin/" + os.path.basename(self.vmlinux) if self.vmlinux else ""  # inside the guest
        self.movable = []
        self.live = self.dump = None

    def prepare(self):
        guest = self.guest
        guest.plug("stays", 256, 1)
        self.movable = guest.plug("movable", 256, 1)
        kernel = guest.plug("kernel", 128, 0)
        for number in self.movable:
            guest.set_block(number, "online_movable")
        for number in kernel:
            guest.set_block(number, "online_kernel")

    def check_live(self):
        """memsect inside the guest."""
        for attempt in range(1, ATTEMPTS + 1):
            before = Words(self.guest)
            answers = ask_live(self.guest, self.files)
            after = Words(self.guest)
            problems = list(compare.compare_all(only_data(answers), before, after, self.version))
            if not problems or attempt == ATTEMPTS:
                check(problems)
                break
        self.live = only_data(answers)
        source = answers["sections"]["source"]
        return f"ok ({source['types_from']}, {source['symbols_from']})"

    def check_dump(self):
        """memsect on the dump of the guest."""
        dump = os.path.join(self.guest.folder, "dump")
        for attempt in range(1, ATTEMPTS + 1):
            before = Words(self.guest)
            self.guest.dump(dump)
            after = Words(self.guest)
            answers = ask_dump(self.options.memsect, dump, self.vmlinux)
            os.unlink(dump)
            problems = list(compare.compare_all(only_data(answers), before, after, self.version))
            if not problems or attempt == ATTEMPTS:
                check(problems)
                break
        self.dump = only_data(answers)
        source = answers["sections"]["source"]
        return f"ok ({source['types_from']}, {source['symbols_from']})"

    def check_same(self):
        if self.live is None or self.dump is None:
            return "-"
        check(compare.compare_answers(self.live, self.dump))
        return "ok"

    def check_hotplug(self):
        guest = self.guest
        plugged = guest.plug("moving", hotplug.DIMM_MIB, 1)
        guest.unplug("moving")
        answers = only_data(ask_live(guest, self.files))
        counts, wrong, moved = hotplug.loop(guest, answers, self.movable, plugged, self.files, self.options.reads, self.options.pause)
        tally = f"{counts['right']} right, {counts['in flux']} in flux, {counts['wrong']} wrong ({moved})"
        if wrong:
            raise Failure(tally + "\n" + "\n".join(wrong[:6]))
        # A machine that never stands still has little to tell.
        if self.options.pause >= 1 and counts["right"] * 2 < sum(counts.values()):
            raise Failure(f"{tally}: more than half of the answers leave something out")
        return tally


    def check_offlining(self, row, what):
        """Verdicts on all blocks, and what the kernel then does."""
        offline.load(self.guest)
        tally = offline.try_all(self.guest, self.files)
        row.tables.append(f"{row.release}, {what}: verdict and outcome\n{tally.table()}")
        if tally.wrong:
            raise Failure(tally.line() + "\n" + "\n".join(tally.wrong[:8]))
        return tally.line()


def vmlinux_of(kernel, options):
    """The debug kernel among those that were named, or nothing."""
    path = os.path.join(options.vmlinux or "", kernel.release)
    return path if options.vmlinux and os.path.exists(path) else None


def run_kernel(name, options, with_loop):
    """The steps on one kernel. Emulated kernels crash now and then: that is another try, and no word about memsect."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        row = try_kernel(name, options, with_loop)
        if not row.crashed or attempt == MOST_ATTEMPTS:
            break
        print(f"{row.release}: the kernel crashed under emulation, try {attempt} of {MOST_ATTEMPTS}", flush=True)
    if row.crashed:
        row.problems = []
        row.skipped = f"the kernel crashed under emulation, {MOST_ATTEMPTS} times"
    return row


def try_kernel(name, options, with_loop):
    row = Row(name)
    start = time.monotonic()
    try:
        kernel = kernels.find(name, options.cache)
        row.release = kernel.release
        if kernel.version > kernels.NEWEST_TRIED:
            print(f"warning: {kernel.release} is newer than any kernel tried before", flush=True)
        programs = [path for path in (options.memsect, vmlinux_of(kernel, options)) if path]
        with Guest(kernel, programs) as guest:
            try:
                case = Case(guest, options)
                case.prepare()
                row.step("live", case.check_live)
                row.step("dump", case.check_dump)
                row.step("live = dump", case.check_same)
                if with_loop and case.live:
                    row.step("hot-plug loop", case.check_hotplug)
            finally:
                row.crashed = guest.has_crashed()
        for what, append in () if row.crashed else OFFLINING if with_loop else OFFLINING[:1]:
            with Guest(kernel, [*programs, *options.holders], (640, 640), append) as guest:
                try:
                    case = Case(guest, options)
                    case.prepare()
                    row.step("offlining", lambda: case.check_offlining(row, what))
                finally:
                    row.crashed = guest.has_crashed()
    except Unavailable as problem:
        row.skipped = str(problem)
    except GuestCrash:
        row.crashed = True
    except GuestFailure as problem:
        row.cells["live"] = "FAILED"
        row.problems.append(f"the guest: {problem}")
    row.seconds = time.monotonic() - start
    return row


def print_table(rows):
    lines = [["kernel", "release", *Row.COLUMNS, "time"]] + [row.line() for row in rows]
    widths = [max(len(line[i]) for line in lines if len(line) == len(lines[0])) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() if len(line) == len(widths) else "  ".join(line))


def options_of(arguments):
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description="memsect in virtual machines: Debian kernels, live and as dumps")
    parser.add_argument("--kernels", default=",".join(kernels.SUITES), help="of: %(default)s")
    parser.add_argument("--quick", action="store_true", help="the hot-plug loop and memmap_on_memory on one kernel only")
    parser.add_argument("--reads", type=int, default=200, help="in the hot-plug loop (%(default)s)")
    parser.add_argument("--pause", type=float, default=2, help="seconds from one plugging or onlining to the next (%(default)s)")
    parser.add_argument("--memsect", default=os.path.join(top, "build/release/src/cli/memsect"), help="a Release build (%(default)s)")
    parser.add_argument("--vmlinux", help="folder of debug kernels, by release; without, memsect has BTF and kallsyms only")
    parser.add_argument("--cache", default=kernels.default_cache(), help="%(default)s")
    options = parser.parse_args(arguments)
    options.kernels = options.kernels.split(",")
    unknown = set(options.kernels) - set(kernels.SUITES)
    if unknown:
        parser.error(f"no kernel is called {', '.join(sorted(unknown))}: {', '.join(kernels.SUITES)}")
    if not os.access(options.memsect, os.X_OK):
        parser.error(f"{options.memsect} is not there; build it: cmake --preset release && cmake --build --preset release")
    options.reads += -options.reads % len(hotplug.COMMANDS)
    return options


def run_all(options, folder):
    """The rows of all kernels. What is made for the guests goes into the folder."""
    try:
        options.holders = [offline.build_holder(folder)]
    except Unavailable as problem:  # then no page is pinned or spliced
        print(f"warning: {problem}")
        options.holders = []
    # The newest kernel differs most from what was there when memsect was written.
    looped = options.kernels[-1:] if options.quick else options.kernels
    return [run_kernel(name, options, name in looped) for name in options.kernels]


def main(arguments):
    options = options_of(arguments)
    with tempfile.TemporaryDirectory(prefix="memsect-vm-") as folder:
        rows = run_all(options, folder)
    print()
    print_table(rows)
    for row in rows:
        for table in row.tables:
            print(f"\n{table}")
    for row in rows:
        for problem in row.problems:
            print(f"\n{row.release}: {problem}")
    failed = sum(1 for row in rows if row.problems)
    skipped = sum(1 for row in rows if row.skipped)
    print(f"\n{len(rows) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
