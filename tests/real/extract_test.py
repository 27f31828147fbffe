#!/usr/bin/env python3
"""An extract of a real kernel's dump answers as the dump does, in either form, and holds no byte that was not asked for.

usage: extract_test.py MEMSECT WORK_DIR (with vmcore and vmlinux of a case, see real_test.py)
"""
import json
import os
import subprocess
import sys

COMMANDS = ("info", "sections", "nodes", "blocks", "usemap", "subsections", "deps", "removable", "check")
TARGETS = ("pfn:0", "pfn:0x1000", "pfn:0x7fff", "pfn:0x8000", "phys:0x10000000", "memory1", "node:0")


def memsect(tool, *arguments):
    done = subprocess.run([tool, *arguments, "--no-search"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 5):
        sys.exit(f"memsect {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
    return done.returncode, done.stdout


def answer(tool, command, dump, *target):
    code, text = memsect(tool, command, *target, dump, "vmlinux", "--json")
    data = json.loads(text)["data"]
    if command == "info":
        del data["dump"]  # what is said of the file itself
    return code, data


def without_reasons(value):
    """An ELF file cannot tell a page that was filtered out from one that never was."""
    if isinstance(value, dict):
        return "?" if "absent" in value else {k: without_reasons(v) for k, v in value.items()}
    return [without_reasons(v) for v in value] if isinstance(value, (list, tuple)) else value


def main():
    tool, work = os.path.abspath(sys.argv[1]), sys.argv[2]
    os.chdir(work)
    has_roots = answer(tool, "info", "vmcore")[1]["memory_model"] != "sparsemem-static"
    has_blocks = bool(answer(tool, "blocks", "vmcore")[1])
    for form in ("kdump", "elf"):
        small = f"extract.{form}"
        code, text = memsect(tool, "extract", "vmcore", "vmlinux", "--as", form, "--to", small, "--json")
        report = json.loads(text)["data"]
        assert report["bytes"] == os.path.getsize(small), report
        missing = sum(t["missing"] for t in report["taken"])
        assert (missing, code) == (0, 0), report  # the dump is a whole extract itself
        assert os.stat(small).st_mode & 0o077 == 0, "others may read the extract"
        kinds = {t["kind"]: t["bytes"] for t in report["taken"]}
        for kind in ["section_root_table", "usage", "pgdat", "memmap", "page_table"] + ["section_root"] * has_roots:
            assert kinds[kind] > 0, f"no {kind} in {kinds}"
        assert report["refused_pages"] == 0, report
        for command in COMMANDS:
            assert answer(tool, command, small) == answer(tool, command, "vmcore"), f"{command} differs on {small}"
        for target in TARGETS if has_blocks else (t for t in TARGETS if not t.startswith("memory")):
            pair = [answer(tool, "addr", dump, target) for dump in (small, "vmcore")]
            if form == "elf":
                pair = [without_reasons(p) for p in pair]
            assert pair[0] == pair[1], f"{target} on {small}"
    memsect(tool, "extract", "extract.kdump", "vmlinux", "--to", "extract.again")
    with open("extract.kdump", "rb") as first, open("extract.again", "rb") as again:
        assert first.read() == again.read(), "an extract of an extract is another file"


main()
