#!/usr/bin/env python3
"""Cut a vmlinux down to what the tests need of it, so that a real kernel fits into the repository.

usage: cut_vmlinux.py VMLINUX OUT [FUNCTION...]

Kept: notes (build ID), BTF, the symbols of the memory model (KEEP below) and, of the debug
information, only the compilation units that hold the named functions, with the strings they use. Addresses, the build
ID and all layouts stay as they were, so the result pairs with dumps of the original. ELF64, DWARF 4 and 5, either byte
order.
"""
import re
import struct
import sys

FUNCTIONS = ["build_all_zonelists", "memory_dev_init", "xas_load"]
KEEP = re.compile(
    r"mem_section|memory|sparse|vmemmap|pageblock|migratetype|pgdat|zone|node_|nodemask|hugetlb|transparent_hugepage"
    r"|memblock|kallsyms|_BTF$|^_?stext$|^_text$|^_end$|phys_base|page_offset|vmalloc_base|cached_stacks|_pg(t|_dir)|pgtable|linux_banner|iomem_resource"
    r"|pgmap_array|page_ext|section|pfn_to_online|get_pfnblock|kmalloc_caches|slab_caches|init_uts_ns|vmcoreinfo")

# forms with a fixed size in bytes; "A" an address, "O" an offset of the DWARF format
FIXED = {0x01: 8, 0x05: 2, 0x06: 4, 0x07: 8, 0x0b: 1, 0x0c: 1, 0x0e: 4, 0x10: 4, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8,
         0x17: 4, 0x19: 0, 0x1e: 16, 0x1f: 4, 0x20: 8, 0x21: 0, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2a: 2,
         0x2b: 3, 0x2c: 4}
STRP, LINE_STRP = 0x0e, 0x1f
ULEB = {0x0f, 0x15, 0x1a, 0x1b, 0x22, 0x23}
BLOCKS = {0x03: 2, 0x04: 4, 0x0a: 1}


def uleb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def abbreviations(data, at):
    """Code -> list of forms, and where the table ends."""
    table = {}
    while True:
        code, at = uleb(data, at)
        if code == 0:
            return table, at
        _, at = uleb(data, at)
        at += 1
        forms = []
        while True:
            name, at = uleb(data, at)
            form, at = uleb(data, at)
            if form == 0x21:  # implicit_const: its value stands here
                _, at = uleb(data, at)
            if name == 0 and form == 0:
                break
            forms.append(form)
        table[code] = forms


def string_positions(unit, table, at, endian):
    """(position, form) of every string offset in a unit."""
    while at < len(unit):
        code, at = uleb(unit, at)
        if code == 0:
            continue
        for form in table[code]:
            if form in (STRP, LINE_STRP):
                yield at, form
            if form in FIXED:
                at += FIXED[form]
            elif form == 0x08:
                at = unit.index(b"\0", at) + 1
            elif form == 0x0d or form in ULEB:
                _, at = uleb(unit, at)
            elif form in BLOCKS:
                at += BLOCKS[form] + int.from_bytes(unit[at:at + BLOCKS[form]], endian)
            elif form in (0x09, 0x18):
                size, at = uleb(unit, at)
                at += size
            else:
                sys.exit(f"DWARF form {form:#x} is not known here")


class Strings:
    """A string table with only the strings that are asked for."""

    def __init__(self, old):
        self.old, self.new, self.where = old, bytearray(b"\0"), {}

    def take(self, offset):
        if offset not in self.where:
            self.where[offset] = len(self.new)
            self.new += self.old[offset:self.old.index(b"\0", offset) + 1]
        return self.where[offset]


class Elf:
    def __init__(self, path):
        self.data = open(path, "rb").read()
        self.order = "<" if self.data[5] == 1 else ">"
        shoff, = self.unpack("Q", 40)
        self.phoff, = self.unpack("Q", 32)
        self.phnum, = self.unpack("H", 56)
        size, count, strings = self.unpack("HHH", 58)
        self.sections = [list(self.unpack("IIQQQQIIQQ", shoff + i * size)) for i in range(count)]
        base = self.sections[strings][4]
        self.names = [self.text(base + s[0]) for s in self.sections]

    def unpack(self, form, at):
        return struct.unpack_from(self.order + form, self.data, at)

    def text(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode()

    def bytes(self, name):
        if name not in self.names:
            return b""
        s = self.sections[self.names.index(name)]
        return self.data[s[4]:s[4] + s[5]]


def arange_sets(elf):
    """(unit offset, start, end, ranges) of every set in .debug_aranges."""
    data, at = elf.bytes(".debug_aranges"), 0
    while at + 16 <= len(data):
        length, = struct.unpack_from(elf.order + "I", data, at)
        unit, = struct.unpack_from(elf.order + "I", data, at + 6)
        pairs = struct.iter_unpack(elf.order + "QQ", data[at + 16:at + 4 + length - (length + 4 - 16) % 16])
        yield unit, at, at + 4 + length, list(pairs)
        at += 4 + length


def cut_debug(elf, addresses):
    order, endian = elf.order, "little" if elf.order == "<" else "big"
    info, abbrev, aranges = elf.bytes(".debug_info"), elf.bytes(".debug_abbrev"), elf.bytes(".debug_aranges")
    strings, lines = Strings(elf.bytes(".debug_str")), Strings(elf.bytes(".debug_line_str") or b"\0")
    out = {".debug_info": bytearray(), ".debug_abbrev": bytearray(), ".debug_aranges": bytearray()}
    for offset, start, end, ranges in arange_sets(elf):
        if not any(low <= address < low + size for low, size in ranges for address in addresses):
            continue
        length, version = struct.unpack_from(order + "IH", info, offset)
        unit = bytearray(info[offset:offset + 4 + length])
        at_abbrev, first_die = (8, 12) if version >= 5 else (6, 11)
        table_at, = struct.unpack_from(order + "I", unit, at_abbrev)
        table, table_end = abbreviations(abbrev, table_at)
        for position, form in string_positions(unit, table, first_die, endian):
            old, = struct.unpack_from(order + "I", unit, position)
            struct.pack_into(order + "I", unit, position, (strings if form == STRP else lines).take(old))
        struct.pack_into(order + "I", unit, at_abbrev, len(out[".debug_abbrev"]))
        ranges_bytes = bytearray(aranges[start:end])
        struct.pack_into(order + "I", ranges_bytes, 6, len(out[".debug_info"]))
        out[".debug_info"] += unit
        out[".debug_abbrev"] += abbrev[table_at:table_end]
        out[".debug_aranges"] += ranges_bytes
    out[".debug_str"], out[".debug_line_str"] = strings.new, lines.new
    return out


def cut_symbols(elf, functions):
    table, strings = elf.bytes(".symtab"), elf.bytes(".strtab")
    kept, names, addresses = bytearray(24), bytearray(b"\0"), []
    for symbol in struct.iter_unpack(elf.order + "IBBHQQ", table):
        name = strings[symbol[0]:strings.index(b"\0", symbol[0])].decode()
        if name in functions and symbol[1] & 15 == 2:
            addresses.append(symbol[4])
        if symbol[3] == 0 or not (name in functions or KEEP.search(name)) or name.startswith("__ksym"):
            continue
        kept += struct.pack(elf.order + "IBBHQQ", len(names), symbol[1], symbol[2], 0xfff1, symbol[4], symbol[5])
        names += name.encode() + b"\0"
    return kept, names, addresses


def main():
    elf, functions = Elf(sys.argv[1]), sys.argv[3:] or FUNCTIONS
    symbols, names, addresses = cut_symbols(elf, functions)
    parts = {n: elf.bytes(n) for n in elf.names if n.startswith(".note") or n == ".BTF"}
    parts |= cut_debug(elf, addresses)
    parts |= {".symtab": symbols, ".strtab": names}
    parts = {n: data for n, data in parts.items() if n in elf.names}
    order = list(parts) + [".shstrtab"]
    shstr = b"\0" + b"".join(n.encode() + b"\0" for n in order)
    parts[".shstrtab"] = shstr

    blob = bytearray(elf.data[:64])
    heads = [[0] * 10]
    for name in order:
        old = elf.sections[elf.names.index(name)]
        blob += b"\0" * (-len(blob) % 8)
        link = order.index(".strtab") + 1 if name == ".symtab" else 0
        heads.append([shstr.index(b"\0" + name.encode() + b"\0") + 1, old[1], old[2] & 0x30, old[3], len(blob),
                      len(parts[name]), link, 1 if name == ".symtab" else 0, old[8], old[9]])
        blob += parts[name]
    blob += b"\0" * (-len(blob) % 8)
    struct.pack_into(elf.order + "QQ", blob, 32, 0, len(blob))
    struct.pack_into(elf.order + "HHHHH", blob, 54, 56, 0, 64, len(heads), len(heads) - 1)
    for head in heads:
        blob += struct.pack(elf.order + "IIQQQQIIQQ", *head)
    open(sys.argv[2], "wb").write(blob)
    print(f"{sys.argv[2]}: {len(blob) >> 10} KiB, {len(symbols) // 24} symbols")


main()
