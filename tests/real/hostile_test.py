#!/usr/bin/env python3
"""A sound dump file of a kernel gone mad: single words of a real dump's metadata are rewritten, and the command line
must end with an answer or a message, soon and small.

usage: hostile_test.py MEMSECT CASE_DIR WORK_DIR [CASE]

Page tables, root table, roots, usages, pgdats, memory blocks, xarray nodes, struct pages and VMCOREINFO, each
with values chosen for what they might upset: loops, wild pointers, absurd numbers. Spoilt files are
damage_test.py's. CASE is a part of the names of the cases that shall run alone; the last dump of these stays in
WORK_DIR/hostile.
"""
import itertools
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

COMMANDS = (["info"], ["sections", "--blocks"], ["nodes"], ["blocks"], ["usemap"], ["subsections"], ["deps", "--self"], ["check"], ["removable"], ["why", "node:1"],
            ["addr", "pfn:0x8000"], ["addr", "phys:0x100000000"], ["addr", "virt:"], ["deps", "--format", "dot"])
EXTRACT = ["extract", "--to", "extracted"]  # reads every struct page: a hundred times as much as the others
AT_MOST = 60  # cases of each kind
HUNG = 120  # seconds of the clock; the limit proper is of processor time, which busy machines do not lengthen
LARGEST = 256 << 10  # KiB
PRESENT, LEAF = 1, 0x80
ADDRESS = 0x000ffffffffff000  # of a page-table entry
ALL_ONES = (1 << 64) - 1
WILD = (0, 1, 0xfff, 1 << 46, 1 << 63, ALL_ONES, ALL_ONES - 7, 0x7fffffffffffffff, 0x8000000000000000,
        0xffff800000000000, 0xffffffffffffe000, 0xdead000000000100, 0x6b6b6b6b6b6b6b6b)


class Dump:
    """An ELF core, changed word by word in place, and restored."""

    def __init__(self, path):
        self.file = open(path, "r+b", buffering=0)  # pylint: disable=consider-using-with
        self.content = self.file.read()
        self.changed = []
        start, = struct.unpack_from("<Q", self.content, 32)
        count, = struct.unpack_from("<H", self.content, 56)
        self.segments = []  # physical address, size, place in the file
        self.pages = {}  # page frame number: place in the file
        for at in range(start, start + count * 56, 56):
            kind, _, place, _, phys, size = struct.unpack_from("<IIQQQQ", self.content, at)
            if kind == 1:
                self.segments.append((phys, size, place))
                self.pages.update(((phys + done) >> 12, place + done) for done in range(0, size, 4096))
            elif kind == 4:
                self.note_header = at
                self.note = (place, size)
        place, size = self.note
        text = self.content[place:place + size]
        # name size, text size, type, "VMCOREINFO" padded to 12
        begin = text.index(b"VMCOREINFO") - 12
        length, = struct.unpack_from("<I", text, begin + 4)
        self.vmcoreinfo = text[begin + 24:begin + 24 + length].decode()

    def place(self, phys):
        page = self.pages.get(phys >> 12)
        return None if page is None else page + phys % 4096

    def word(self, phys):
        """The word at a physical address, as it was; None where the dump does not have it."""
        place = self.place(phys)
        return None if place is None else struct.unpack_from("<Q", self.content, place)[0]

    def words(self, phys, size):
        return [at for at in range(phys, phys + size, 8) if self.word(at) is not None]

    def set(self, phys, value):
        self.patch(self.place(phys), struct.pack("<Q", value & ALL_ONES))

    def patch(self, place, new):
        os.pwrite(self.file.fileno(), new, place)
        self.changed.append((place, len(new)))

    def set_vmcoreinfo(self, text):
        """A new note behind the file's end, which the header names."""
        text = text.encode()
        note = struct.pack("<III", 11, len(text), 0) + b"VMCOREINFO\0\0" + text + bytes(-len(text) % 4)
        self.patch(len(self.content), note)
        self.patch(self.note_header + 8, struct.pack("<Q", len(self.content)))
        self.patch(self.note_header + 32, struct.pack("<QQ", len(note), len(note)))

    def restore(self):
        os.ftruncate(self.file.fileno(), len(self.content))
        for place, size in self.changed:
            os.pwrite(self.file.fileno(), self.content[place:min(place + size, len(self.content))], place)
        self.changed.clear()

    def find(self, value):
        """Physical addresses of the words that hold `value`."""
        wanted = struct.pack("<Q", value)
        for start, size, place in self.segments:
            at = self.content.find(wanted, place, place + size)
            while at >= 0:
                if at % 8 == place % 8:
                    yield start + at - place
                at = self.content.find(wanted, at + 1, place + size)


class Runner:
    def __init__(self, tool, dump, vmlinux):
        self.tool, self.dump, self.vmlinux = tool, dump, vmlinux
        with open(tool, "rb") as file:
            self.sanitized = b"__asan_init" in file.read()
        self.longest = 10 if self.sanitized else 5
        self.longest_extract = HUNG
        self.slowest, self.largest = (0, ""), (0, "")
        took = self.run("sound", EXTRACT)[3]
        self.longest_extract = max(self.longest, 3 * took)

    def run(self, name, arguments):
        """Exit code, output, message, seconds. Fails on all that no input may lead to."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
            command = [self.tool, *arguments, self.dump, self.vmlinux, "--no-search"]
            process = subprocess.Popen(command, stdout=out, stderr=error)  # pylint: disable=consider-using-with
            watchdog = threading.Timer(HUNG, process.kill)
            watchdog.start()
            _, status, usage = os.wait4(process.pid, 0)
            watchdog.cancel()
            process.returncode = code = os.waitstatus_to_exitcode(status)
            out.seek(0)
            error.seek(0)
            text, message = out.read().decode(errors="replace"), error.read().decode(errors="replace")
        place = f"{name}: memsect {' '.join(arguments)}"
        took = usage.ru_utime + usage.ru_stime
        longest = self.longest_extract if arguments[0] == "extract" else self.longest
        self.slowest = max(self.slowest, (took, place))
        self.largest = max(self.largest, (usage.ru_maxrss, place))
        assert took < longest, f"{place}: more than {longest:.1f} s"
        assert code in (0, 3, 4, 5) or (code == 1 and arguments[0] == "check"), f"{place}: exit {code}: {message[-3000:]}"
        assert self.sanitized or usage.ru_maxrss <= LARGEST, f"{place}: {usage.ru_maxrss} KiB"
        if code in (3, 4):
            assert message.startswith("memsect: error: "), f"{place}: exit {code} and no message"
            assert not text, f"{place}: exit {code} and an answer"
        return code, text, message, took


class Machine:
    """Where the sound dump has what."""

    def __init__(self, dump, runner):
        self.dump = dump

        def data(command):
            code, text, message, _ = runner.run("sound", [command, "--json"])
            assert code in (0, 5), f"the sound dump is not read: {message}"
            return json.loads(text)["data"]
        self.info, self.sections, self.nodes, self.blocks = map(data, ("info", "sections", "nodes", "blocks"))
        symbols = dict(line.split("=", 1) for line in dump.vmcoreinfo.splitlines() if "=" in line)
        top = symbols.get("SYMBOL(init_top_pgt)") or symbols["SYMBOL(swapper_pg_dir)"]
        self.top = int(top, 16) - 0xffffffff80000000 + int(self.info["phys_base"], 16)
        self.tables = [[], [], [], []]  # physical addresses of the entries in use, by level, highest first
        self.walk(self.top, 0)

    def walk(self, table, level):
        for at in self.dump.words(table, 4096):
            entry = self.dump.word(at)
            if not entry & PRESENT:
                continue
            self.tables[level].append(at)
            if level < 3 and not entry & LEAF and self.dump.place(entry & ADDRESS) is not None:
                self.walk(entry & ADDRESS, level + 1)

    def phys(self, virt):
        if isinstance(virt, str):
            virt = int(virt, 16)
        table = self.top
        for shift in (39, 30, 21, 12):
            entry = self.dump.word(table + (virt >> shift & 511) * 8)
            if entry is None or not entry & PRESENT:
                return None
            if shift == 12 or entry & LEAF:
                return (entry & ADDRESS & -(1 << shift)) | virt & ((1 << shift) - 1)
            table = entry & ADDRESS
        return None

    def words_of(self, virt, size):
        """Physical addresses of an object's words, page by page."""
        virt = int(virt, 16) if isinstance(virt, str) else virt
        found = []
        while size > 0:
            here = min(size, 4096 - virt % 4096)
            phys = self.phys(virt)
            if phys is not None:
                found += self.dump.words(phys, here)
            virt, size = virt + here, size - here
        return found


def page_table_cases(machine, chance):
    dump = machine.dump
    names = ("pgd", "pud", "pmd", "pte")
    for level, entries in enumerate(machine.tables):
        for at in chance.sample(entries, min(6, len(entries))):
            entry, table = dump.word(at), at & -4096
            low = entry & 0xfff
            for what, value in (("itself", table | low), ("the top", machine.top | low), ("nothing", 0),
                                ("far away", 0x000ffffffffff000 | low), ("a leaf", entry | LEAF),
                                ("reserved bits", entry | 0x7ff0000000000000), ("all ones", ALL_ONES),
                                ("odd", entry ^ chance.getrandbits(64))):
                yield f"{names[level]} entry at {at:#x}: {what}", [(at, value)]
        if entries:
            table = chance.choice(entries) & -4096
            same = dump.word(chance.choice(entries))
            for what, value in (("the same", same), ("itself", table | 0x63), ("zero", 0), ("all ones", ALL_ONES),
                                ("a leaf", 0xe3)):
                yield (f"{names[level]} table at {table:#x}, all entries: {what}",
                       [(at, value) for at in range(table, table + 4096, 8)])


def root_cases(machine, chance):
    dump = machine.dump
    table = machine.phys(machine.info["mem_section"])
    slots = dump.words(table, 8 * machine.info["nr_section_roots"])
    used = [at for at in slots if dump.word(at) != 0]
    root = dump.word(used[0])
    for at in used:
        for what, value in (*((f"{value:#x}", value) for value in WILD), ("odd", root + 3), ("its end", root + 4088),
                            ("the table", int(machine.info["mem_section"], 16)), ("the other", root + 8)):
            yield f"root at {at:#x}: {what}", [(at, value)]
    yield "all roots the same", [(at, root) for at in slots]
    yield "all roots the table", [(at, int(machine.info["mem_section"], 16)) for at in slots]
    yield "all roots wild", [(at, chance.getrandbits(64)) for at in slots]
    yield "all roots in a row", [(at, root + 4096 * i) for i, at in enumerate(slots)]


def section_cases(machine, chance):
    dump = machine.dump
    every = [machine.phys(section["mem_section"]) for section in machine.sections]
    for at in every[:1] + chance.sample(every, 2):
        for bit in (0, 1, 2, 3, 4, 5):
            yield f"mem_section at {at:#x}: bit {bit}", [(at, dump.word(at) ^ 1 << bit)]
        for value in WILD:
            yield f"mem_section at {at:#x}: map {value:#x}", [(at, value | 0xf)]
            yield f"mem_section at {at:#x}: usage {value:#x}", [(at + 8, value)]
        yield f"mem_section at {at:#x}: map odd", [(at, dump.word(at) + (1 << 30))]
    usage = dump.word(every[0] + 8)
    yield "all usages the same", [(at + 8, usage) for at in every]
    yield "all usages in the roots", [(at + 8, int(machine.sections[0]["mem_section"], 16)) for at in every]
    yield "all maps one page on", [(at, dump.word(at) + 64) for at in every]
    yield "all maps wild", [(at, chance.getrandbits(64) | 0xf) for at in every]
    root = every[0] & -4096
    yield "all sections present", [(at, dump.word(every[0] + at % 16)) for at in dump.words(root, 4096)]
    yield "a root of ones", [(at, ALL_ONES) for at in dump.words(root, 4096)]


def object_cases(machine, chance):
    """Usages, pgdats, memory blocks and struct pages, of whose members only the places are known here."""
    objects = [("usage", section["usage"]["address"], section["usage"]["size"]) for section in machine.sections[::5]]
    objects += [("pgdat", node["pgdat"], node["size"]) for node in machine.nodes]
    objects += [("memory_block", block["memory_block"], 160) for block in machine.blocks[::5]]
    objects += [("memmap", section["memmap"]["address"], 4096) for section in machine.sections[::7]]
    for kind, address, size in objects:
        words = machine.words_of(address, size)
        for value in (0, ALL_ONES):
            yield f"{kind} at {address}: all {value:#x}", [(at, value) for at in words]
        yield f"{kind} at {address}: noise", [(at, chance.getrandbits(64)) for at in words]
        used = [at for at in words if machine.dump.word(at) != 0]
        for at in chance.sample(used, min(4, len(used))):
            value = chance.choice(WILD)
            yield f"{kind} at {address}: {at:#x} is {value:#x}", [(at, value)]


def span_cases(machine, _):
    """Where nodes and zones begin and end: the members are found by their values."""
    dump = machine.dump
    for node in machine.nodes[:2]:
        words = machine.words_of(node["pgdat"], node["size"])
        spans = {node["spanned_pages"], node["start_pfn"]}
        for zone in node["zones"]:
            spans |= {zone["start_pfn"], zone["spanned_pages"], zone["present_pages"]}
        places = [at for at in words if dump.word(at) in spans and dump.word(at) > 4096]
        for value in (1 << 33, 1 << 52, ALL_ONES, ALL_ONES - 511, 1 << 63, 1):
            yield f"spans of node {node['node']}: {value:#x}", [(at, value) for at in places]
            for at in places[:4]:
                yield f"span at {at:#x} of node {node['node']}: {value:#x}", [(at, value)]


def xarray_cases(machine, _):
    """The tree of memory blocks: slots are found by the pointers to them."""
    dump = machine.dump
    pointers = {block["block"]: int(block["memory_block"], 16) for block in machine.blocks}
    number, pointer = min(pointers.items())
    for slot in dump.find(pointer):
        node = slot - 40 - 8 * (number % 64)  # shift, offset, count, nr_values; parent; array; list; slots
        if dump.word(node) is None or dump.word(node) & 0xff != 0:
            continue
        parents = [at for at in dump.find(machine.dump.word(node + 8) + 2)] if dump.word(node + 8) else []
        virtual = node + int(machine.info["page_offset"], 16) + 2
        parents += list(dump.find(virtual))
        for shift in (6, 12, 58, 60, 63, 64, 128, 255):
            yield f"xa_node at {node:#x}: shift {shift}", [(node, dump.word(node) & ~0xff | shift)]
            loop = [(at, virtual) for at in range(node + 40, node + 552, 8)]
            yield f"xa_node at {node:#x}: shift {shift}, full of itself", [(node, shift), *loop]
        for value in (*WILD, virtual, virtual - 2, 0x402, 0x102):
            yield f"xa_node slot at {slot:#x}: {value:#x}", [(slot, value)]
            for at in parents[:1]:
                yield f"xa_head at {at:#x}: {value:#x}", [(at, value)]
        yield (f"xa_node at {node:#x}: every slot the same", [(at, pointer) for at in range(node + 40, node + 552, 8)])


def vmcoreinfo_cases(machine, _):
    text = machine.dump.vmcoreinfo
    keys = ("LENGTH(mem_section)", "SIZE(mem_section)", "NUMBER(SECTION_SIZE_BITS)", "NUMBER(MAX_PHYSMEM_BITS)",
            "PAGESIZE", "NUMBER(phys_base)", "LENGTH(node_data)", "SYMBOL(mem_section)", "SYMBOL(node_data)",
            "SYMBOL(_stext)", "KERNELOFFSET", "NUMBER(pgtable_l5_enabled)", "SYMBOL(init_top_pgt)",
            "NUMBER(KERNEL_IMAGE_SIZE)", "SIZE(page)", "NUMBER(sme_mask)", "OSRELEASE", "BUILD-ID",
            "SIZE(nodemask_t)", "LENGTH(zone.free_area)")
    for key in keys:
        old = next((line.split("=", 1)[1] for line in text.splitlines() if line.startswith(key + "=")), None)
        if old is None:
            continue
        rest = "".join(line + "\n" for line in text.splitlines() if not line.startswith(key + "="))
        is_hex = key.startswith("SYMBOL") or key == "KERNELOFFSET"
        values = ["", "0", "1", "-1", str(ALL_ONES), "ffffffffffffffff", "8388608", "-9223372036854775808", "x" * 5000]
        if key not in ("OSRELEASE", "BUILD-ID", "NUMBER(sme_mask)"):
            number = int(old, 16 if is_hex else 10)
            values += [format(number + step, "x" if is_hex else "d") for step in (-1, 1, 8, 4096)]
        for value in values:
            yield f"{key}={value[:20]}", f"{key}={value}\n{rest}"
        yield f"no {key}", rest
    huge = {"LENGTH(mem_section)": 1 << 23, "NUMBER(MAX_PHYSMEM_BITS)": 52, "NUMBER(SECTION_SIZE_BITS)": 21}
    lines = [line for line in text.splitlines() if line.split("=")[0] not in huge]
    yield "as many sections as can be said", "\n".join(lines + [f"{key}={value}" for key, value in huge.items()]) + "\n"


def any_word_cases(machine, chance):
    dump = machine.dump
    for _ in range(60):
        start, size, _ = chance.choice(dump.segments)
        used = [at for at in dump.words(start + chance.randrange(size) // 4096 * 4096, 4096) if dump.word(at)]
        if used:
            at, value = chance.choice(used), chance.choice(WILD)
            yield f"word at {at:#x}: {value:#x}", [(at, value)]


def spread(chance, makers, machine, only):
    """Cases of all kinds, mixed within a kind, which brings it together with all commands."""
    for maker in makers:
        cases = list(maker(machine, chance))
        assert len(cases) > 10, f"{maker.__name__} finds too little to spoil: {len(cases)}"
        chance.shuffle(cases)
        chosen = [case for case in cases if only in case[0]] if only else cases[:AT_MOST]
        yield from ((maker, *case) for case in chosen)


def spoil(dump, change):
    if isinstance(change, str):
        dump.set_vmcoreinfo(change)
    else:
        for at, value in change:
            dump.set(at, value)


def try_cases(runner, dump, machine, cases, keep):
    """How often each exit code was seen."""
    commands = itertools.cycle(COMMANDS)
    counts = {}
    for number, (maker, name, change) in enumerate(cases):
        if runner.sanitized and number % 4 != 0:
            continue
        spoil(dump, change)
        if keep:
            shutil.copy("elf", keep)
        arguments = EXTRACT if number % 64 == 20 else list(next(commands))
        if arguments[-1] == "virt:":
            arguments[-1] += machine.nodes[0]["pgdat"]
        as_json = number % 3 != 0 and "dot" not in arguments
        code, text, _, _ = runner.run(name, arguments + ["--json"] * as_json)
        assert code != 4 or maker is vmcoreinfo_cases, f"{name}: exit 4"
        if as_json and code in (0, 1, 5):
            json.loads(text)
        counts[code] = counts.get(code, 0) + 1
        dump.restore()
    return counts


def main():
    tool, case, work = (os.path.abspath(path) for path in sys.argv[1:4])
    only = sys.argv[4] if len(sys.argv) > 4 else ""
    chance = random.Random(1)
    makers = (page_table_cases, root_cases, section_cases, object_cases, span_cases, xarray_cases, vmcoreinfo_cases,
              any_word_cases)
    with tempfile.TemporaryDirectory(prefix="memsect-hostile-") as folder:
        os.chdir(folder)
        vmlinux = os.path.join(work, "vmlinux")
        done = subprocess.run([tool, "extract", os.path.join(case, "vmcore"), vmlinux, "--as", "elf", "--to", "elf"],
                              stdout=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, "the dump is a whole extract itself"
        dump = Dump("elf")
        runner = Runner(tool, "elf", vmlinux)
        machine = Machine(dump, runner)
        keep = os.path.join(work, "hostile") if only else ""
        counts = try_cases(runner, dump, machine, spread(chance, makers, machine, only), keep)
        assert only or {0, 3, 5} <= set(counts), f"only the exit codes {counts} were seen"
        print(f"{sum(counts.values())} cases, exit codes {counts}")
        print("slowest {:.2f} s ({}), largest {} KiB ({})".format(*runner.slowest, *runner.largest))
        os.chdir("/")


if __name__ == "__main__":
    main()
