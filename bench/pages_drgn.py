#!/usr/bin/env python3
"""What bench/run.py sets beside `memsect why memoryN`: the struct pages of a memory block, judged one by one with drgn.

usage: pages_drgn.py VMCORE VMLINUX FIRST_PFN PAGES

Prints how many are reserved, free, on an LRU list, and none of these: less than memsect asks (no compound pages, no
caches, no objects), in whole pages of struct pages at a time, as one would write it to be quick. x86-64 with vmemmap.
"""
import struct
import sys

import drgn

AT_ONCE = 4096
PAGE_SIZE, SECTION_PFN_SHIFT, FLAG_BITS = 4096, 15, 12


def main():
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[1])
    prog.load_debug_info([sys.argv[2]])
    first, pages = int(sys.argv[3], 0), int(sys.argv[4], 0)
    page = prog.type("struct page")
    offsets = {member: drgn.offsetof(page, member) for member in ("flags", "_refcount")}
    bits = {name: 1 << prog.constant(name).value_() for name in ("PG_reserved", "PG_lru")}
    per_root = PAGE_SIZE // prog.type("struct mem_section").size
    number = first >> SECTION_PFN_SHIFT
    section = prog["mem_section"][number // per_root][number % per_root]
    base = section.section_mem_map.value_() >> FLAG_BITS << FLAG_BITS  # of all sections, with vmemmap
    counts = {"reserved": 0, "free": 0, "lru": 0, "other": 0}
    for start in range(first, first + pages, AT_ONCE):
        data = prog.read(base + start * page.size, AT_ONCE * page.size)
        for at in range(0, len(data), page.size):
            flags, = struct.unpack_from("<Q", data, at + offsets["flags"])
            references, = struct.unpack_from("<i", data, at + offsets["_refcount"])
            kind = ("reserved" if flags & bits["PG_reserved"] else "free" if references == 0
                    else "lru" if flags & bits["PG_lru"] else "other")
            counts[kind] += 1
    print(" ".join(f"{kind} {count}" for kind, count in counts.items()))


main()
