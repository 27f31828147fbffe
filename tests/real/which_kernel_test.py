#!/usr/bin/env python3
"""Headers and notes that are wrong, and memory that several kernels left their traces in: the answers stay those of the
sound dump.

usage: which_kernel_test.py MEMSECT CASE_DIR WORK_DIR

CASE_DIR (testdata/real/circular-5.10) has vmcore; WORK_DIR gets the dumps that are made of it.
"""
import json
import os
import re
import struct
import subprocess
import sys

PAGE = 4096
IMAGE = 0xffffffff80000000
RELEASE = b"5.10.0-32-cloud-amd64"
COMMANDS = ("sections", "nodes", "blocks", "deps")


def ask(tool, dump, *options):
    answers, notes = [], []
    for command in COMMANDS:
        done = subprocess.run([tool, command, dump, "--no-search", "--json", *options], capture_output=True, check=False)
        if done.returncode != 0:
            return f"{command}: exit {done.returncode}: {done.stderr.decode(errors='replace')}", notes
        answer = json.loads(done.stdout)
        answers.append(json.dumps(answer["data"]))
        notes = answer["notes"]
    return answers, notes


def read_elf(path):
    """The pages by number, and the text of VMCOREINFO."""
    with open(path, "rb") as file:
        content = file.read()
    start, = struct.unpack_from("<Q", content, 32)
    count, = struct.unpack_from("<H", content, 56)
    pages, text = {}, None
    for at in range(start, start + count * 56, 56):
        kind, _, place, _, phys, size = struct.unpack_from("<IIQQQQ", content, at)
        if kind == 1:
            for done in range(0, size, PAGE):
                pages[(phys + done) // PAGE] = content[place + done:place + done + PAGE]
        elif kind == 4:
            begin = content.index(b"OSRELEASE=", place)
            size, = struct.unpack_from("<I", content, begin - 24 + 4)
            text = content[begin:begin + size].rstrip(b"\0")
    return pages, text


def note(text):
    return struct.pack("<III", 11, len(text), 0) + b"VMCOREINFO\0\0" + text + bytes(-len(text) % 4)


def write_elf(path, pages, notes=b"", machine=62):
    runs = []
    for number in sorted(pages):
        if runs and runs[-1][1] == number:
            runs[-1][1] = number + 1
        else:
            runs.append([number, number + 1])
    count = len(runs) + 1
    notes_at = 64 + 56 * count
    at = (notes_at + len(notes) + PAGE - 1) // PAGE * PAGE
    with open(path, "wb") as file:
        file.write(b"\x7fELF\x02\x01\x01" + bytes(9) +
                   struct.pack("<HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0))
        file.write(struct.pack("<IIQQQQQQ", 4, 0, notes_at, 0, 0, len(notes), len(notes), 0))
        where = at
        for first, last in runs:
            size = (last - first) * PAGE
            file.write(struct.pack("<IIQQQQQQ", 1, 7, where, 0, first * PAGE, size, size, 0))
            where += size
        file.write(notes)
        file.seek(at)
        for first, last in runs:
            for number in range(first, last):
                file.write(pages[number])


def value(text, key):
    return re.search(re.escape(key).encode() + rb"=(-?\w+)", text)[1]


class Maker:
    """The dumps, by name, each with the options that it is asked with."""

    def __init__(self, vmcore, elf):
        self.vmcore = vmcore
        self.pages, self.text = read_elf(elf)
        free = [number for number in range(0x100, 0x47000) if number not in self.pages]
        self.high, self.low, self.dead_uts = free[5000], free[10], free[20]
        uts = int(value(self.text, "SYMBOL(init_uts_ns)"), 16)
        self.uts, self.in_page = uts, uts % PAGE
        number = (uts - IMAGE + int(value(self.text, "NUMBER(phys_base)"))) // PAGE
        page = bytearray(self.pages.get(number, bytes(PAGE)))
        name = 4 + 2 * 65  # after the reference count
        page[self.in_page + name:self.in_page + name + len(RELEASE) + 1] = RELEASE + b"\0"
        self.pages[number] = self.uts_page = bytes(page)

    def with_texts(self, **texts):
        pages = dict(self.pages)
        for place, text in texts.items():
            pages[getattr(self, place)] = text.ljust(PAGE, b"\0")
        return pages

    def dead_text(self):
        """The kernel of the boot before: elsewhere by KASLR, its name still in memory."""
        shift = 0x2000000
        base = (self.dead_uts - self.uts // PAGE) * PAGE + IMAGE - shift

        def moved(match):
            at = int(match[2], 16)
            at = at + shift if match[2].startswith(b"ffffffff") else at ^ 0x5000000000
            return b"SYMBOL(%s)=%x" % (match[1], at)

        text = re.sub(rb"SYMBOL\((\w+)\)=(\w+)", moved, self.text)
        text = re.sub(rb"NUMBER\(phys_base\)=-?\d+", b"NUMBER(phys_base)=%d" % base, text)
        offset = int(value(self.text, "KERNELOFFSET"), 16) + shift
        return re.sub(rb"KERNELOFFSET=\w+", b"KERNELOFFSET=%x" % offset, text)

    def make(self, folder):
        made = {}

        def write(name, *args, options=(), **how):
            made[name] = (os.path.join(folder, name), options)
            write_elf(made[name][0], *args, **how)

        live = self.with_texts(high=self.text)
        write("one-kernel", live)
        for name, high, low, number in (("dead-kernel-lower", self.text, self.dead_text(), "2"),
                                        ("dead-kernel-higher", self.dead_text(), self.text, "1")):
            both = self.with_texts(high=high, low=low)
            both[self.dead_uts] = self.uts_page
            write(name, both)
            made[name + "-chosen"] = (made[name][0], ("--kernel", number))
        stub = b"OSRELEASE=5.10.0\nPAGESIZE=4096\n"
        write("note-garbage", live, note(b"\xff" * 512))
        write("note-stub", live, note(stub))
        write("note-stub-then-right", dict(self.pages), note(stub) + note(self.text))
        write("machine-i386", dict(self.pages), note(self.text), machine=3)
        write("machine-unknown", dict(self.pages), note(self.text), machine=0x4242)
        base = re.sub(rb"NUMBER\(phys_base\)=-?\d+\n", b"", self.text)
        write("no-phys-base", dict(self.pages), note(base))
        with open(self.vmcore, "rb") as file:
            content = bytearray(file.read())
        names = b"Linux".ljust(65, b"\0") + bytes(content[12 + 65:12 + 6 * 65])
        content[12:12 + 6 * 65] = names[4:] + bytes(4)
        made["utsname-early"] = (os.path.join(folder, "utsname-early"), ())
        with open(made["utsname-early"][0], "wb") as file:
            file.write(content)
        return made


def main():
    tool, case, work = sys.argv[1:4]
    folder = os.path.join(work, "which_kernel")
    os.makedirs(folder, exist_ok=True)
    vmcore, elf = os.path.join(case, "vmcore"), os.path.join(folder, "sound")
    subprocess.run([tool, "extract", vmcore, "--no-search", "--as", "elf", "--to", elf], check=True,
                   stdout=subprocess.DEVNULL)
    expected, _ = ask(tool, elf)
    assert isinstance(expected, list), expected
    maker = Maker(vmcore, elf)
    faults = []
    for name, (path, options) in maker.make(folder).items():
        found, notes = ask(tool, path, *options)
        if found != expected:
            faults.append(f"{name}: {found if isinstance(found, str) else 'another answer'}")
        several = [entry for entry in notes if "there are 2 kernels" in entry["text"]]
        if ("dead" in name) != bool(several):
            faults.append(f"{name}: the notes are {notes}")
    # The kernel that was left: no answer is right, but it is the one that was asked for.
    dead = subprocess.run([tool, "info", os.path.join(folder, "dead-kernel-lower"), "--no-search", "--kernel", "1"],
                          capture_output=True, check=False)
    if dead.returncode == 0:
        faults.append("--kernel 1: the dead kernel answers")
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
