#!/usr/bin/env python3
"""Boots Debian kernels in QEMU and holds what memsect says of them against what they say of themselves.

Each guest has two NUMA nodes, where its machine has them, and memory that was hot-plugged: some of it offline, some in
ZONE_MOVABLE, some in an ordinary zone. On amd64 memsect reads /proc/kcore inside; everywhere it reads, outside, the
dump that QEMU takes. No debug information is at hand. The answers are held against /proc/pagetypeinfo, /proc/zoneinfo,
the memory blocks of sysfs and dmesg, read before and after, and against each other; `memsect check` must find no fault.
Then the kernel is asked to put each memory block offline, of which memsect first says whether it would go (offline.py),
and memsect reads on while memory is plugged, onlined and taken away again (hotplug.py).

A kernel, QEMU or a network that cannot be had is no failure: the row says so. The last line is "N passed, N failed,
N skipped".
"""
import argparse
import os
import signal
import sys
import tempfile

import cases
import hotplug
import kernels
import machines
import offline
from cases import Row
from kernels import Unavailable


def print_table(rows):
    lines = [["kernel", "release", *Row.COLUMNS, "time"]] + [row.line() for row in rows]
    widths = [max(len(line[i]) for line in lines if len(line) == len(lines[0])) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() if len(line) == len(widths) else "  ".join(line))


def chosen(parser, what, text, known):
    """The names in a list with commas."""
    names = [] if text == "none" else text.split(",")
    for name in names:
        if name not in known:
            parser.error(f"no {what} is called {name}: {', '.join(known)}")
    return names


def options_of(arguments):
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description="memsect in virtual machines: Debian kernels, live and as dumps")
    parser.add_argument("--kernels", default=",".join(kernels.SUITES), help="on amd64, of: %(default)s, or none")
    parser.add_argument("--machines", help=f"of: {','.join(machines.MACHINES)}, or none (all; only {machines.QUICK} with --quick)")
    parser.add_argument("--quick", action="store_true", help="the hot-plug loop and special memory on one kernel only")
    parser.add_argument("--reads", type=int, help="in the hot-plug loop (200; 60 with --quick)")
    parser.add_argument("--pause", type=float, default=2, help="seconds from one plugging or onlining to the next (%(default)s)")
    parser.add_argument("--memsect", default=os.path.join(top, "build/release/src/cli/memsect"), help="a Release build (%(default)s)")
    parser.add_argument("--vmlinux", help="folder of debug kernels, by release; without, memsect has BTF and kallsyms only")
    parser.add_argument("--keep", metavar="FOLDER", help="where to leave a dump of each guest in which a step failed")
    parser.add_argument("--cache", default=kernels.default_cache(), help="%(default)s")
    options = parser.parse_args(arguments)
    options.kernels = chosen(parser, "kernel", options.kernels, kernels.SUITES)
    everywhere = machines.QUICK if options.quick else ",".join(machines.MACHINES)
    options.machines = chosen(parser, "machine", options.machines or everywhere, machines.MACHINES)
    if not os.access(options.memsect, os.X_OK):
        parser.error(f"{options.memsect} is not there; build it: cmake --preset release && cmake --build --preset release")
    options.reads = options.reads or (60 if options.quick else 200)
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
    rows = [cases.run_kernel(machines.X86, name, options, name in looped) for name in options.kernels]
    return rows + [cases.run_kernel(machines.MACHINES[name], name, options) for name in options.machines]


def main(arguments):
    options = options_of(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no QEMU is left behind
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
    skipped = sum(1 for row in rows if row.skipped and not row.problems)
    print(f"\n{len(rows) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
