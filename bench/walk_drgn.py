#!/usr/bin/env python3
"""What bench/run.py sets beside memsect: the sections and usages of a dump, walked with drgn.

usage: walk_drgn.py VMCORE VMLINUX

One line a present section: number, flags, address of its usage, section that the usage's first byte lies in,
subsection map, and how often each pageblock type occurs. It reads what `memsect deps` reads of sections and usages and
no more (neither memmaps nor struct pages), in whole objects, as one would write it to be quick. x86-64 with vmemmap,
5.7 and newer.
"""
import sys

import drgn
from drgn.helpers.linux.mm import PFN_PHYS, virt_to_pfn

PAGE_SIZE = 4096
SUBSECTION_SHIFT = 21
PAGEBLOCK_SHIFT = 21  # pageblock_order is a macro: that of a huge page on x86-64


def enumerator(prog, *names):
    for name in names:
        try:
            return prog.constant(name).value_()
        except LookupError:
            pass
    raise LookupError(" or ".join(names))


def main():
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[1])
    prog.load_debug_info([sys.argv[2]])

    section_type = prog.type("struct mem_section")
    per_root = PAGE_SIZE // section_type.size
    section_bits = 27  # SECTION_SIZE_BITS, a macro: 128 MiB on x86-64
    bits = 1 << (enumerator(prog, "__NR_PAGEBLOCK_BITS", "NR_PAGEBLOCK_BITS") - 1).bit_length()
    blocks = 1 << (section_bits - PAGEBLOCK_SHIFT)
    words = 1 << (section_bits - SUBSECTION_SHIFT - 6)
    types = 7  # of the type itself; the bit above is compaction's

    roots = prog["mem_section"]
    highest = prog["__highest_present_section_nr"].value_()
    for index in range(highest // per_root + 1):
        root = roots[index]
        if not root:
            continue
        root = drgn.Object(prog, prog.array_type(section_type, per_root), address=root.value_()).read_()
        for i in range(per_root):
            flags = root[i].section_mem_map.value_()
            if not flags & 1:
                continue
            usage = root[i].usage
            at = usage.value_()
            subsections = [word.value_() for word in usage.subsection_map][:words]
            raw = int.from_bytes(prog.read(usage.pageblock_flags.address_of_().value_(), blocks * bits // 8), "little")
            seen = {}
            for _ in range(blocks):
                seen[raw & types] = seen.get(raw & types, 0) + 1
                raw >>= bits
            holder = PFN_PHYS(virt_to_pfn(usage)).value_() >> section_bits
            print(index * per_root + i, hex(flags & 0x3f), hex(at), holder, hex(subsections[0]),
                  ",".join(f"{kind}:{count}" for kind, count in sorted(seen.items())))


main()
