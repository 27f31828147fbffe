#!/usr/bin/env python3
"""Cut a vmlinux down to what the tests need of it, so that a real kernel fits into the repository.

usage: cut_vmlinux.py [--functions] VMLINUX OUT [FUNCTION...]

Kept: notes (build ID), BTF, the symbols of the memory model (KEEP below) and, of the debug
information, only the compilation units that hold the named functions, with the strings they use. --functions keeps the
symbols of all functions, for stacks. Addresses, the build ID and all layouts stay as they were, so the result pairs with
dumps of the original. ELF, DWARF 4 and 5, either byte order.
"""
import re
import struct
import sys

FUNCTIONS = ["build_all_zonelists", "memory_dev_init", "xas_load", "__set_page_owner", "__kmem_cache_shutdown"]
KEEP = re.compile(
    r"mem_section|memory|sparse|vmemmap|pageblock|migratetype|pgdat|zone|node_|nodemask|hugetlb|transparent_hugepage"
    r"|memblock|kallsyms|_BTF$|^_?stext$|^_text$|^_end$|phys_base|page_offset|vmalloc_base|cached_stacks|_pg(t|_dir)|pgtable|linux_banner|iomem_resource"
    r"|pgmap_array|page_ext|page_owner|stack_pools|early_handle|^schedule$|^offline_pages$|section|pfn_to_online|get_pfnblock|kmalloc_caches|slab_caches|init_uts_ns|vmcoreinfo")

# forms with a fixed size in bytes; that of 0x01, an address, is the file's
FIXED = {0x05: 2, 0x06: 4, 0x07: 8, 0x0b: 1, 0x0c: 1, 0x0e: 4, 0x10: 4, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8,
         0x17: 4, 0x19: 0, 0x1e: 16, 0x1f: 4, 0x20: 8, 0x21: 0, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4, 0x29: 1, 0x2a: 2,
         0x2b: 3, 0x2c: 4}
STRP, LINE_STRP = 0x0e, 0x1f
# where somebody built the kernel: no matter of ours
BUILD_FOLDER = re.compile(rb"^/.*?/(?=(?:arch|block|crypto|drivers|fs|include|init|ipc|kernel|lib|mm|net|security)/)|^/.*$")
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


def string_positions(unit, table, at, elf):
    """(position, form) of every string offset in a unit."""
    endian, fixed = elf.endian, FIXED | {0x01: elf.word}
    while at < len(unit):
        code, at = uleb(unit, at)
        if code == 0:
            continue
        for form in table[code]:
            if form in (STRP, LINE_STRP):
                yield at, form
            if form in fixed:
                at += fixed[form]
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
            self.new += BUILD_FOLDER.sub(b"./", self.old[offset:self.old.index(b"\0", offset)]) + b"\0"
        return self.where[offset]


class Elf:
    def __init__(self, path):
        self.data = open(path, "rb").read()
        self.order, self.endian = ("<", "little") if self.data[5] == 1 else (">", "big")
        self.is_64 = self.data[4] == 2
        self.word, self.letter = (8, "Q") if self.is_64 else (4, "I")
        self.section = "II" + 4 * self.letter + "II" + 2 * self.letter
        shoff, = self.unpack(self.letter, 40 if self.is_64 else 32)
        size, count, strings = self.unpack("HHH", 58 if self.is_64 else 46)
        self.sections = [list(self.unpack(self.section, shoff + i * size)) for i in range(count)]
        base = self.sections[strings][4]
        self.names = [self.text(base + s[0]) for s in self.sections]

    def unpack(self, form, at):
        return struct.unpack_from(self.order + form, self.data, at)

    def symbols(self):
        """(name offset, value, size, info, other, section) of every symbol."""
        table = self.bytes(".symtab")
        if not self.is_64:
            yield from struct.iter_unpack(self.order + "IIIBBH", table)
        for name, info, other, section, value, size in struct.iter_unpack(self.order + "IBBHQQ", table) if self.is_64 else ():
            yield name, value, size, info, other, section

    def pack_symbol(self, name, value, size, info, other, section):
        if self.is_64:
            return struct.pack(self.order + "IBBHQQ", name, info, other, section, value, size)
        return struct.pack(self.order + "IIIBBH", name, value, size, info, other, section)

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
        pair, first = 2 * elf.word, at + 16  # the header is padded to a multiple of a pair
        end = first + (at + 4 + length - first) // pair * pair
        pairs = struct.iter_unpack(elf.order + 2 * elf.letter, data[first:end])
        yield unit, at, at + 4 + length, list(pairs)
        at += 4 + length


def cut_debug(elf, addresses):
    order = elf.order
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
        for position, form in string_positions(unit, table, first_die, elf):
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


def cut_symbols(elf, functions, all_functions):
    strings = elf.bytes(".strtab")
    kept, names, addresses = bytearray(24 if elf.is_64 else 16), bytearray(b"\0"), []
    for at, value, size, info, other, section in elf.symbols():
        name = strings[at:strings.index(b"\0", at)].decode()
        is_function = info & 15 == 2 or (all_functions and info & 15 == 0 and section == elf.names.index(".text"))
        if name in functions and is_function:
            addresses.append(value)
        wanted = name in functions or KEEP.search(name) or (all_functions and is_function)
        if section == 0 or not wanted or name.startswith("__ksym"):
            continue
        kept += elf.pack_symbol(len(names), value, size, info, other, 0xfff1)
        names += name.encode() + b"\0"
    return kept, names, addresses


def main():
    words = [word for word in sys.argv[1:] if word != "--functions"]
    elf, functions = Elf(words[0]), words[2:] or FUNCTIONS
    symbols, names, addresses = cut_symbols(elf, functions, len(words) < len(sys.argv) - 1)
    parts = {n: elf.bytes(n) for n in elf.names if n.startswith(".note") or n == ".BTF"}
    parts |= cut_debug(elf, addresses)
    parts |= {".symtab": symbols, ".strtab": names}
    parts = {n: data for n, data in parts.items() if n in elf.names}
    order = list(parts) + [".shstrtab"]
    shstr = b"\0" + b"".join(n.encode() + b"\0" for n in order)
    parts[".shstrtab"] = shstr

    head_size = 64 if elf.is_64 else 52
    blob = bytearray(elf.data[:head_size])
    heads = [[0] * 10]
    for name in order:
        old = elf.sections[elf.names.index(name)]
        blob += b"\0" * (-len(blob) % 8)
        link = order.index(".strtab") + 1 if name == ".symtab" else 0
        heads.append([shstr.index(b"\0" + name.encode() + b"\0") + 1, old[1], old[2] & 0x30, old[3], len(blob),
                      len(parts[name]), link, 1 if name == ".symtab" else 0, old[8], old[9]])
        blob += parts[name]
    blob += b"\0" * (-len(blob) % 8)
    section_size = struct.calcsize("=" + elf.section)
    struct.pack_into(elf.order + 2 * elf.letter, blob, 32 if elf.is_64 else 28, 0, len(blob))
    struct.pack_into(elf.order + "HHHHH", blob, 54 if elf.is_64 else 42, 56, 0, section_size, len(heads), len(heads) - 1)
    for head in heads:
        blob += struct.pack(elf.order + elf.section, *head)
    open(words[1], "wb").write(blob)
    print(f"{words[1]}: {len(blob) >> 10} KiB, {names.count(0) - 1} symbols")


main()
