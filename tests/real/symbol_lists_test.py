#!/usr/bin/env python3
"""Lists of symbols that are short, or another kernel's: each is refused, or the answer is the same.

usage: symbol_lists_test.py MEMSECT REAL_DIR UNPACKED_DIR CASE

A list is what a System.map is, `nm -n` of the case's vmlinux. It is cut at many places, its beginning and its middle are taken
away, and the lists of all other cases are named with this one's dump.
"""
import os
import subprocess
import sys
import tempfile

CASES = ("circular-5.10", "hotplug-6.1", "virtiomem-7.3", "owner-6.12", "classic-6.12", "classic-i386", "flatmem-i386")
CUTS = 24


def listed(unpacked, case):
    done = subprocess.run(["nm", "-n", os.path.join(unpacked, case, "vmlinux")], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines(keepends=True)
    assert len(lines) > 1000, f"{case}: {len(lines)} symbols"
    return lines


class Asker:
    def __init__(self, tool, real, unpacked, case, folder):
        self.tool, self.map = tool, os.path.join(folder, "System.map")
        self.files = [os.path.join(real, case, "vmcore"), os.path.join(unpacked, case, "vmlinux")]

    def ask(self, lines, command="sections"):
        with open(self.map, "w", encoding="utf-8") as file:
            file.writelines(lines)
        return subprocess.run([self.tool, command, *self.files, "--symbols", self.map, "--no-search",
                               "--format=raw"], capture_output=True, text=True, check=False)


def has(lines, name):
    return any(line.split()[-1] == name for line in lines)


def main():
    tool, real, unpacked, case = sys.argv[1:5]
    whole = listed(unpacked, case)
    refused = same = 0
    with tempfile.TemporaryDirectory(prefix="memsect-symbols-") as folder:
        asker = Asker(tool, real, unpacked, case, folder)
        right = asker.ask(whole)
        assert right.returncode == 0, right.stderr
        shorter = {f"cut after {len(whole) * i // CUTS} lines": whole[:len(whole) * i // CUTS] for i in range(1, CUTS)}
        end = next(i for i, line in enumerate(whole) if line.split()[-1] == "_end")
        shorter["cut before _end"] = whole[:end]
        shorter["cut after _end"] = whole[:end + 1]
        start = max(i for i, line in enumerate(whole) if line.split()[-1] in ("_text", "_stext"))
        shorter["without its beginning"] = whole[start + 1:]
        shorter["sorted by names"] = sorted(whole, key=lambda line: line.split()[-1])
        for name, lines in shorter.items():
            got = asker.ask(lines)
            if got.returncode == 4:
                refused += 1
                assert not got.stdout and "hint: name the" in got.stderr, f"{name}: {got.stdout[:200]}{got.stderr}"
                assert name != "cut after _end", got.stderr
                continue
            assert has(lines, "_end") or got.returncode == 5, f"{name}: exit {got.returncode}"
            assert got.returncode == 5 or got.stdout == right.stdout, f"{name}: another answer"
            same += 1
        assert refused >= CUTS and same >= 1, f"{refused} refused, {same} answered"
        foreign = 0
        for other in CASES:
            if other == case:
                continue
            got = asker.ask(listed(unpacked, other))
            assert got.returncode == 4 and not got.stdout, f"the list of {other}: exit {got.returncode}: {got.stderr}"
            foreign += 1
    print(f"{case}: {refused} short lists refused, {same} answered as the whole one, {foreign} of other kernels refused")


if __name__ == "__main__":
    main()
