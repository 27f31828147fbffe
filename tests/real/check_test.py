#!/usr/bin/env python3
"""`memsect check` on a real dump in which single words were changed: the check that is there for it finds it.

usage: check_test.py MEMSECT CASE_DIR WORK_DIR (as hostile_test.py, whose means of changing a dump these are)
"""
import json
import os
import subprocess
import sys
import tempfile

from hostile_test import Dump, Machine, Runner

SUBSECTION_MAP, USEMAP = 16, 24  # in the mem_section_usage of that kernel


def verdicts(runner, name):
    code, text, message, _ = runner.run(name, ["check", "--json"])
    assert code in (0, 1, 5), f"{name}: exit {code}: {message}"
    checks = {c["check"]: c for c in json.loads(text)["data"]["checks"]}
    violated = {n for n, c in checks.items() if c["verdict"] == "violated"}
    assert (code == 1) == bool(violated), f"{name}: exit {code}, and {violated} are violated"
    assert all(checks[n]["findings"] for n in violated), checks
    return violated


def number_in(dump, words, value, before):
    """The address of the word `value` behind the word `before`."""
    for one, next_one in zip(words, words[1:]):
        if dump.word(one) == before and dump.word(next_one) == value:
            return next_one
    sys.exit(f"no {value:#x} behind {before:#x}")


def changes(machine):
    """check: what to write where, as physical address and value."""
    dump = machine.dump
    early = [s for s in machine.sections if "early" in s["flags"] and "online" in s["flags"]]
    added = next(s for s in machine.sections if "early" not in s["flags"] and "online" in s["flags"])
    # Section 3 is in the middle of its node's chunk of usages: 2 to 5.
    middle = machine.phys(next(s for s in machine.sections if s["section"] == 3)["mem_section"])
    block = next(b for b in machine.blocks if b["state"] == "online" and early[0]["section"] in b["sections"])
    node = machine.nodes[0]
    zone = next(z for z in node["zones"] if z["present_pages"] < z["spanned_pages"])
    entry = machine.phys(int(early[1]["mem_section"], 16))
    usage, usage_of_added = (machine.phys(int(s["usage"]["address"], 16)) for s in (early[1], added))
    pgdat = machine.words_of(int(node["pgdat"], 16), node["size"])
    present = number_in(dump, pgdat, zone["present_pages"], zone["spanned_pages"])
    node_present = number_in(dump, pgdat, node["present_pages"], node["start_pfn"])
    types = dump.word(usage + USEMAP)
    isolate = machine.migratetypes.index("Isolate")
    return {
        "section_flags": (entry, dump.word(entry) | 1 << 9),
        "section_parts": (entry + 8, 0),
        "vmemmap_base": (entry, dump.word(entry) ^ 1 << 30),
        "usage_shared": (entry + 8, int(early[0]["usage"]["address"], 16)),
        "usage_apart": (entry + 8, int(early[0]["usage"]["address"], 16) + 8),
        "usage_stride": (middle + 8, int(added["usage"]["address"], 16) + 0x400),
        "subsection_map": (usage_of_added + SUBSECTION_MAP, 0xff),
        "pageblock_types": (usage + USEMAP, types | 7),
        "isolated_pageblocks": (usage + USEMAP, types & ~7 | isolate),
        "zone_pages": (present, zone["spanned_pages"] + 1),
        "node_pages": (node_present, node["present_pages"] - 1),
        "present_pages": (node_present, 1 << 30),
        "block_state": (machine.phys(int(block["memory_block"], 16)) + 8, 4),
        "block_sections": (machine.phys(int(block["memory_block"], 16)), 77),
    }


def main():
    tool, case, work = (os.path.abspath(path) for path in sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="memsect-check-") as folder:
        os.chdir(folder)
        vmlinux = os.path.join(work, "vmlinux")
        subprocess.run([tool, "extract", os.path.join(case, "vmcore"), vmlinux, "--as", "elf", "--to", "elf"],
                       stdout=subprocess.DEVNULL, check=False)
        dump = Dump("elf")
        runner = Runner(tool, "elf", vmlinux)
        machine = Machine(dump, runner)
        _, text, _, _ = runner.run("sound", ["sections", "--json"])
        machine.migratetypes = list(json.loads(text)["data"][0]["pageblocks"]["migratetypes"])
        assert verdicts(runner, "sound") == set(), "the sound dump violates something"
        for check, (at, value) in changes(machine).items():
            dump.set(at, value)
            violated = verdicts(runner, check)
            assert check in violated, f"{check} does not find {value:#x} at {at:#x}; violated are {violated}"
            print(f"{check}: {', '.join(sorted(violated))}")
            dump.restore()
        os.chdir("/")


main()
