#!/usr/bin/env python3
"""The comparisons of this folder on a small machine: nothing to say of right answers, and a sentence for each wrong one.
Needs no virtual machine."""
import copy
import gzip
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source folder stays as it is

import compare
import hotplug
import initramfs
import kernels
import machines
import offline
import words

PAGETYPEINFO = """Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1
Node    1, zone   Normal, type    Unmovable      0      0

Number of blocks type     Unmovable      Movable      Isolate
Node 0, zone   Normal           10           54            0
Number of blocks type     Unmovable      Movable      Isolate
Node 1, zone  Movable            0           64            0
"""
ZONEINFO = """Node 0, zone   Normal
  per-node stats
      nr_inactive_anon 0
  pages free     3000
        min      31
        spanned  32768
        present  32768
        managed  32000
        protection: (0, 0)
  start_pfn:           0
Node 1, zone  Movable
  pages free     0
        spanned  32768
        present  32768
        managed  32768
  start_pfn:           32768
"""
BLOCKS = "memory0 00000000 online none 0,\nmemory1 00000001 online Movable 1,\nmemory2 00000002 offline Normal,Movable 1,\n"
DMESG = "[    0.1] Section 0 and 1 (node 0) have a circular dependency on usemap and pgdat allocations\n[    0.2] other\n"
TEXT = {"cat /proc/pagetypeinfo": PAGETYPEINFO, "cat /proc/zoneinfo": ZONEINFO, "dmesg": DMESG}


class FakeGuest:
    def text(self, command):
        return TEXT.get(command, BLOCKS)


def zone(name, pages, counts):
    return {"name": name, "start_pfn": pages[0], "spanned_pages": pages[1], "present_pages": pages[1], "managed_pages": pages[2],
            "pageblocks": counts}


def section(number, node, online):
    return {"section": number, "flags": ["present", "has_mem_map"] + (["online"] if online else []), "coded_mem_map": "0xffea",
            "node": node, "usage": {"address": hex(number)}, "pageblocks": {}, "zones": []}


def answers():
    """What memsect should say of that machine."""
    return {
        "sections": [section(0, 0, True), section(1, 1, True), section(2, 1, False)],
        "nodes": [{"node": 0, "pgdat": "0x1", "phys": "0x1", "sections": [0], "start_pfn": 0, "spanned_pages": 32768, "present_pages": 32768,
                   "zones": [zone("Normal", (0, 32768, 32000), {"Unmovable": 10, "Movable": 54, "Isolate": 0})]},
                  {"node": 1, "pgdat": "0x2", "phys": "0x2", "sections": [0], "start_pfn": 32768, "spanned_pages": 32768, "present_pages": 32768,
                   "zones": [zone("Movable", (32768, 32768, 32768), {"Unmovable": 0, "Movable": 64, "Isolate": 0})]}],
        "blocks": [{"block": n, "name": f"memory{n}", "state": s, "node": min(n, 1), "zone": z, "start_section": n, "sections": [n]}
                   for n, s, z in ((0, "online", None), (1, "online", "Movable"), (2, "offline", None))],
        "deps": {"kernel_messages": words.BOOT_CHECK.findall(DMESG), "cycles": [], "never": [], "removal_order": [2, 1],
                 "holders": [{"section": 0, "holds": [{"kind": "pgdat", "address": "0x1"}]}]},
        "check": {"checks": [{"check": name, "verdict": "holds", "findings": [], "why": ""} for name in ("usage_shared", "zone_span")]},
    }


# A place in the answers, and a wrong value for it.
WRONG = (
    (("nodes", 0, "zones", 0, "pageblocks", "Movable"), 53),
    (("nodes", 0, "zones", 0, "pageblocks", "Movable"), {"absent": "excluded", "why": ""}),
    (("nodes", 0, "zones", 0, "name"), "DMA"),
    (("nodes", 1, "zones", 0, "managed_pages"), 32767),
    (("nodes", 1, "zones", 0, "start_pfn"), 0),
    (("blocks", 1, "state"), "offline"),
    (("blocks", 1, "node"), 0),
    (("blocks", 1, "zone"), "Normal"),
    (("blocks", 0, "zone"), "Normal"),
    (("blocks", 2, "start_section"), 3),
    (("blocks", 2, "block"), 3),
    (("sections", 2, "flags"), ["present", "online"]),
    (("sections", 1, "section"), 7),
    (("sections", 1, "usage"), {"absent": "corrupt", "why": "x"}),
    (("deps", "kernel_messages"), []),
    (("check", "checks", 1), {"check": "zone_span", "verdict": "violated", "findings": ["node 0 zone DMA: too long"], "why": ""}),
    (("check", "checks", 1), {"check": "zone_span", "verdict": "undecided", "findings": [], "why": "not in the dump"}),
    (("check", "checks"), []),
)
WRONG_IN_THE_DUMP = (
    (("sections", 1, "usage", "address"), "0x7"),
    (("nodes", 1, "pgdat"), "0x7"),
    (("deps", "never"), [0]),
)
# Of block 2, which is toggled, and block 3, which comes and goes, more can be true.
WRONG_IN_THE_LOOP = (
    (("sections", 0, "usage", "address"), "0x7"),
    (("sections", 1, "coded_mem_map"), {"absent": "in_flux", "why": "not this one"}),
    (("sections", 2, "coded_mem_map"), "0x0"),
    (("sections", 2, "node"), 0),
    (("sections", 2, "usage"), {"address": "0x7"}),
    (("sections", 2, "usage"), {"absent": "not_mapped", "why": "x"}),
    (("sections", 2, "section"), 9),
    (("blocks", 1, "state"), "offline"),
    (("blocks", 2, "state"), "3"),
    (("blocks", 2, "zone"), "Normal"),
    (("blocks", 2, "block"), 9),
    (("nodes", 0, "pgdat"), "0x7"),
    (("nodes", 0, "zones", 0, "present_pages"), 1),
    (("nodes", 1, "zones", 0, "present_pages"), 40000),
    (("deps", "holders"), []),
)
RIGHT_IN_THE_LOOP = (
    (("sections", 2, "flags"), ["present", "has_mem_map", "online"]),
    (("blocks", 2, "state"), "going_offline"),
    (("nodes", 1, "zones", 0, "present_pages"), 0),
)


def changed(place, value):
    copied = copy.deepcopy(answers())
    inner = copied
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copied


def test_comparisons():
    said = words.Words(FakeGuest())
    assert said.zones[1, "Movable"] == {"spanned": 32768, "present": 32768, "managed": 32768, "start_pfn": 32768}, said.zones
    assert said.blocks[2] == {"phys_index": 2, "state": "offline", "zones": ["Normal", "Movable"], "nodes": [1]}, said.blocks
    right = answers()
    assert list(compare.compare_all(right, said, said, (6, 1))) == []
    for place, value in WRONG:
        assert list(compare.compare_all(changed(place, value), said, said, (6, 1))), f"{place} = {value} goes unnoticed"
    assert not list(compare.compare_all(changed(("deps", "kernel_messages"), []), said, said, (7, 1)))
    assert list(compare.compare_answers(right, right)) == []
    for place, value in WRONG_IN_THE_DUMP:
        assert list(compare.compare_answers(right, changed(place, value))), f"{place} = {value} goes unnoticed"
    later = copy.deepcopy(said)
    later.pageblocks[0, "Normal"]["Movable"] = 50
    assert not list(compare.compare_pageblocks(changed(*WRONG[0])["nodes"], said, later))


def test_judging():
    still = hotplug.Still(answers(), toggled=[2], plugged=[3])

    def verdict(command, data, status=0):
        return hotplug.judge(command, status, json.dumps({"data": data[command]}).encode(), b"", still)[0]

    for command in hotplug.COMMANDS:
        assert verdict(command, answers()) == "right", command
        assert verdict(command, answers(), status=4) == "wrong", command
    for place, value in RIGHT_IN_THE_LOOP:
        assert verdict(place[0], changed(place, value)) == "right", place
    for place, value in WRONG_IN_THE_LOOP:
        assert verdict(place[0], changed(place, value)) == "wrong", f"{place} = {value} goes unnoticed"
    more = answers()
    more["sections"].append(section(3, 1, False))
    assert verdict("sections", more) == "right"
    flux = changed(("sections", 2, "usage"), {"absent": "in_flux", "why": "x"})
    assert verdict("sections", flux, status=5) == "in flux"
    gone = {"absent": "in_flux", "why": "x"}
    assert verdict("nodes", changed(("nodes", 1, "zones", 0, "present_pages"), gone)) == "in flux"
    assert verdict("nodes", changed(("nodes", 0, "zones", 0, "present_pages"), gone)) == "wrong", "nothing moved there"
    assert hotplug.judge("sections", 3, b"", b"memsect: error: memory came or went", still)[0] == "in flux"
    assert hotplug.judge("sections", 3, b"", b"memsect: error: something else", still)[0] == "wrong"
    assert hotplug.judge("sections", 0, b"{", b"", still)[0] == "wrong"


# A verdict, what the kernel did, and what it did when it was asked again.
WRONG_VERDICTS = (
    ("blocked", "went", ""),
    ("no_blocker_found", "refused", "refused"),
    ("unknown", "went", ""),
    ("unknown", "refused", ""),
    ("offline", "went", ""),  # of a block that is online
    ("failed: exit 3: no", "refused", ""),
)
RIGHT_VERDICTS = (
    ("blocked", "refused", ""),
    ("blocked", "timing", ""),
    ("no_blocker_found", "went", ""),
    ("no_blocker_found", "timing", ""),
    ("no_blocker_found", "raced", "went"),
    ("no_blocker_found", "raced", "timing"),
)


def tally_of(verdicts):
    tally = offline.Tally()
    for block, (verdict, outcome, again) in enumerate(verdicts):
        tally.add(block, verdict, "unmovable_slab", outcome, offline.judge(verdict, outcome, again), "EBUSY")
    return tally


def test_offlining():
    for one in WRONG_VERDICTS:
        assert offline.judge(*one), f"{one} goes unnoticed"
        assert len(tally_of([*RIGHT_VERDICTS, one]).problems()) == 1, one
    assert not any(offline.judge(*one) for one in RIGHT_VERDICTS)
    assert not tally_of(RIGHT_VERDICTS).problems()
    assert tally_of(RIGHT_VERDICTS).stayed_and_went() == (2, 1)
    # A tally in which only one of the two verdicts was ever put to the test proves nothing.
    for half in (RIGHT_VERDICTS[:2], RIGHT_VERDICTS[2:]):
        assert len(tally_of(half).problems()) == 1, half
    assert len(tally_of([]).problems()) == 2
    assert offline.verdict_of(3, 0, "3,blocked,\"cma,isolated\"\n", "") == ("blocked", "cma,isolated")
    for status, output in ((3, ""), (0, ""), (0, "4,blocked,\n"), (0, "3,blocked,\n4,blocked,\n"), (124, "3,blocked,\n")):
        assert offline.verdict_of(3, status, output, "")[0].startswith("failed"), output


def test_lists():
    assert len(offline.judge_list(5, "1,blocked,\n2,unknown,\"not, mapped\"\n", "")) == 1
    assert offline.judge_list(0, "1,blocked,x\n2,no_blocker_found,\n3,offline,\n", "") == {}
    assert offline.judge_list(3, "", "no") and offline.judge_list(124, "1,blocked,\n", "") and offline.judge_list(0, "", "")


class FakeShell:
    """A guest whose kernel did what `words` say."""

    def __init__(self, said):
        self.said = said

    def text(self, _command, _seconds):
        return self.said


def test_outcomes():
    for said, outcome in (("offline 0 10.00 10.50\n", "went"), ("online 1 10.00 10.10 sh: write error: Resource busy\n", "refused"),
                          ("online 143 10.00 16.10\n", "timing")):
        assert offline.attempt(FakeShell(said), 7)[0] == outcome, said


def test_machines():
    """Every machine has both lines, and no two machines are one."""
    for machine in [machines.X86, *machines.MACHINES.values()]:
        lines = " ".join(machine.lines).format(folder="F")
        assert "path=F/console" in lines and "path=F/control,server=on,wait=off" in lines and "{" not in lines, machine.name
        assert machine.plugs != "dimm" or machine.dimm_mib, machine.name
    kinds = {(m.package, m.suites, m.cpu, m.append) for m in machines.MACHINES.values()}
    assert len(kinds) == len(machines.MACHINES)
    assert machines.QUICK in machines.MACHINES


def test_load_order():
    """A module is loaded after those that it depends on; what is built in is left out."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(f"{root}/lib/modules/1/kernel/drivers")
        for name, depends in (("virtio_mem", "virtio,virtio_ring"), ("virtio", "virtio_ring"), ("virtio_ring", "")):
            with open(f"{root}/lib/modules/1/kernel/drivers/{name}.ko", "wb") as file:
                file.write(b"\x7fELF\0license=GPL\0depends=" + depends.encode() + b"\0name=x\0")
        assert list(kernels.load_order(root, ("qemu_fw_cfg", "virtio_mem"))) == ["virtio_ring", "virtio", "virtio_mem"]
    said = words.blocks("memory0 00000000 online DMA\nmemory1 00000001 offline Normal,Movable 1,\n")
    assert said[0]["nodes"] == [] and said[1]["nodes"] == [1], "a kernel without NUMA names no nodes"


class FakeKernel:
    machine = machines.X86
    modules = [__file__]
    busybox = __file__


def test_initramfs():
    """A program comes with its libraries, and cpio itself reads what is written."""
    files = initramfs.contents(FakeKernel(), [sys.executable])
    assert b"until [ -c /dev/ttyS1 ]" in files["init"][1] and {"bin/busybox", "modules/vm_test.py"} <= set(files)
    assert any("libc.so" in path for path in files), sorted(files)
    archive = gzip.decompress(initramfs.archive({"init": (0o755, b"#!"), "lib/a/b": (0o644, b"12345")}))
    assert len(archive) % 4 == 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(["cpio", "-i", "--quiet"], input=archive, cwd=folder, check=True)
        except FileNotFoundError:
            print("no cpio here: the initramfs was not unpacked")
            return
        with open(f"{folder}/lib/a/b", "rb") as file:
            assert file.read() == b"12345"
        assert os.access(f"{folder}/init", os.X_OK)


test_comparisons()
test_judging()
test_offlining()
test_lists()
test_outcomes()
test_machines()
test_load_order()
test_initramfs()
print(f"{len(WRONG) + len(WRONG_IN_THE_DUMP) + len(WRONG_IN_THE_LOOP) + len(WRONG_VERDICTS)} wrong answers were all noticed")
