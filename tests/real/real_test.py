#!/usr/bin/env python3
"""Run memsect on a real kernel's dump and hold its answers against the goldens and against that kernel's own words.

usage: real_test.py MEMSECT CASE_DIR WORK_DIR [--alone] [--refresh]

CASE_DIR (testdata/real/NAME) has vmcore, truth/ (what the running kernel printed) and expected/ (goldens); WORK_DIR has
the unpacked vmlinux. --alone: the dump has BTF and kallsyms, and answers the same without the vmlinux. --refresh writes the goldens anew, after the truth was found to hold.
"""
import difflib
import json
import os
import re
import shutil
import subprocess
import sys

COMMANDS = ("info", "sections", "nodes", "blocks", "usemap", "subsections", "deps", "removable", "why", "check", "addr")
FORMATS = {"json": COMMANDS, "table": COMMANDS, "csv": ("sections", "usemap", "removable"), "pairs": ("blocks",), "raw": ("nodes",), "dot": ("deps",)}


def run(tool, command, form, target=None):
    if command in ("addr", "why") and target is None:
        target = "node:0"
    words = [command] + ([target] if target else [])
    done = subprocess.run([tool, *words, "vmcore", "vmlinux", "--no-search", "--format", form], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command} --format {form}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def truth(case, name):
    with open(os.path.join(case, "truth", name), encoding="utf-8") as file:
        return file.read()


def pagetypeinfo(case):
    """Without the tables of mixed blocks, which only kernels with page_owner print."""
    return re.sub(r"^Number of mixed blocks.*\n(Node \d+, zone .*\n)+", "", truth(case, "pagetypeinfo"), flags=re.M)


def check_pageblocks(case, nodes):
    """/proc/pagetypeinfo, "Number of blocks type", zone by zone."""
    text = pagetypeinfo(case)
    types = re.search(r"Number of blocks type\s+(.*)", text)[1].split()
    zones = {(n["node"], z["name"]): z["pageblocks"] for n in nodes for z in n["zones"]}
    found = 0
    for line in re.finditer(r"^Node (\d+), zone\s+(\S+)((?:\s+\d+)+)\s*$", text, re.M):
        counts = [int(x) for x in line[3].split()]
        want = dict(zip(types, counts))
        got = zones[int(line[1]), line[2]]
        found += 1
        assert got == want, f"node {line[1]} zone {line[2]}: memsect counts {got}, the kernel counted {want}"
    assert found > 0, "no zone was compared"


def check_usemap(case, table, usemap):
    """The totals are /proc/pagetypeinfo's own lines; no zone less, no zone more."""
    want = [line.rstrip() for line in pagetypeinfo(case).splitlines()
            if re.match(r"Number of blocks type|Node \d+, zone +\S+( +\d+)+ *$", line)]
    want = list(dict.fromkeys(want))  # the kernel repeats the heading for each node
    got = table.split("\n\n")[-1].splitlines()
    assert len(want) > 1 and got == want, f"memsect totals {got}, the kernel printed {want}"
    zones = [(z["node"], z["zone"], list(z["counts"].values())) for z in usemap["zones"]]
    read = [re.match(r"Node (\d+), zone +(\S+)(.*)", line).groups() for line in want[1:]]
    assert zones == [(int(node), zone, [int(x) for x in counts.split()]) for node, zone, counts in read], zones


def check_blocks(case, blocks):
    """/sys/devices/system/memory/memoryN/state."""
    text = truth(case, "memory_blocks")
    want = dict(re.findall(r"^(memory\d+) .*?state=(\S+)", text, re.M))
    got = {b["name"]: b["state"].replace("_", "-") for b in blocks}
    assert (want or text.startswith("no memory hot-plug")) and got == want, f"memory blocks: memsect says {got}, sysfs said {want}"


def check_messages(case, deps, release):
    """The lines of the boot-time check; 7.1 and later have none to compare with."""
    if tuple(int(x) for x in re.match(r"(\d+)\.(\d+)", release).groups()) >= (7, 1):
        return
    want = truth(case, "kernel_messages").splitlines()
    assert deps["kernel_messages"] == want, f"memsect replays {deps['kernel_messages']}, the kernel printed {want}"


def check_addresses(tool, sections):
    """Where sections has a usage, addr finds it, in a page of the kind that the allocation says."""
    for section in sections:
        usage = section["usage"]
        found = json.loads(run(tool, "addr", "json", f"virt:{usage['address']}"))["data"]
        kind, of, page = found["object"]["kind"], found["object"]["of_sections"], found["page"]
        assert (kind, of, found["phys"]) == ("usage", [section["section"]], usage["phys"]), found
        if usage["allocation"] == "slab":
            assert page["type"] == "slab" and page["slab_cache"].startswith("kmalloc-"), page
        else:
            assert page["type"] == "reserved" and "reserved" in page["flag_names"], page


def check_owners(case, tool, blocks):
    """Whom `why` names as owners of pages, and their stacks, are those of /sys/kernel/debug/page_owner."""
    listed = {}
    for record in truth(case, "page_owner").split("\n\n"):
        found = re.search(r"order (\d+), mask (0x\w+)\S* pid (-?\d+), tgid \d+ \((.*?)\), ts (\d+) ns\nPFN (0x\w+)", record)
        stack = re.findall(r"^ (\S+\+0x\w+)/0x", record, re.M)
        order, mask, pid, comm, ts, pfn = found.groups()
        listed[int(pfn, 16)] = {"order": int(order), "gfp_mask": mask, "pid": int(pid), "comm": comm, "ts_nsec": int(ts), "stack": stack}
    compared = 0
    for block in blocks:
        reasons = json.loads(run(tool, "why", "json", block["name"]))["data"]["reasons"]
        for example in (r["example"] for r in reasons if r["example"] and "page_owner" in r["example"]):
            owner = example["page_owner"]
            if owner["ts_nsec"] > max(o["ts_nsec"] for o in listed.values()):
                continue  # given out after the list was read
            compared += 1
            assert owner == listed[example["pfn"]], (example, listed[example["pfn"]])
    assert compared == len(listed) >= 10, f"{compared} owners, {len(listed)} listed"


def check_alone(tool, answers):
    """The same answers with nothing but the dump; info says where its numbers came from, and that is another place."""
    for command, with_vmlinux in answers.items():
        words = [command] + (["node:0"] if command in ("addr", "why") else [])
        done = subprocess.run([tool, *words, "vmcore", "--no-search", "--json"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command} without vmlinux: exit {done.returncode}: {done.stderr}"
        alone = json.loads(done.stdout)
        assert (alone["source"]["types_from"], alone["source"]["symbols_from"]) == ("btf", "kallsyms"), alone["source"]
        want, got = dict(a=with_vmlinux["data"]), dict(a=alone["data"])
        if command == "info":
            want["a"].pop("origin"), got["a"].pop("origin")
        assert got == want, f"{command} says something else without vmlinux"


def check_soundness(checks):
    """These kernels were sound, and their dumps have all that is asked for."""
    assert len(checks) >= 25, checks
    for check in checks:
        assert check["verdict"] == "holds" and check["findings"] == [], check


def compare(case, name, got, refresh):
    path = os.path.join(case, "expected", name)
    if refresh:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(got)
        return True
    with open(path, encoding="utf-8") as file:
        want = file.read()
    sys.stdout.writelines(difflib.unified_diff(want.splitlines(True), got.splitlines(True), path, "memsect"))
    return got == want


def main():
    tool, case, work = (os.path.abspath(p) for p in sys.argv[1:4])
    refresh = "--refresh" in sys.argv
    shutil.copy(os.path.join(case, "vmcore"), os.path.join(work, "vmcore"))
    os.chdir(work)
    answers = {c: json.loads(run(tool, c, "json")) for c in COMMANDS}
    check_pageblocks(case, answers["nodes"]["data"])
    check_addresses(tool, answers["sections"]["data"])
    check_usemap(case, run(tool, "usemap", "table"), answers["usemap"]["data"])
    check_blocks(case, answers["blocks"]["data"])
    if os.path.exists(os.path.join(case, "truth", "page_owner")):
        check_owners(case, tool, answers["blocks"]["data"])
    check_soundness(answers["check"]["data"]["checks"])
    if "--alone" in sys.argv:
        check_alone(tool, json.loads(json.dumps(answers)))
    check_messages(case, answers["deps"]["data"], answers["info"]["source"]["release"])
    same = [compare(case, f"{c}.{form}", run(tool, c, form), refresh) for form, commands in FORMATS.items() for c in commands]
    sys.exit(0 if all(same) else "goldens differ; if that is meant, build the target refresh_goldens")


main()
