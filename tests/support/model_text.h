// Memory models as text, so that an analysis can be tested on a page of words and a bug report fits in a
// mail.
//
//     # a node whose usages lie in a hot-added section
//     kernel 6.1.0
//     geometry section=128M usage=56
//     root_table @section:1
//     root 0 @section:1
//     section 0-3 online early node=0 usage@section:2 memmap@section:2
//     section 8 online node=1 usage@0x10bd6380/slab memmap@section:8+1M,section:2+1M
//     section 9 node=!excluded usage=!not_in_dump
//     node 0 pgdat@section:1
//     tail 0 @section:1                              (a page of struct pages that node 0's first zone keeps)
//     memory_block 4 @section:2+808                  (memory block 4, struct memory_block)
//     table vmemmap:2 0-3 @section:1+4K kept         (page tables at depth 2, for sections 0 to 3, never freed)
//     table direct_map:1 0-9 @section:1+4K
//     device 40-47 @section:2+152                    (struct dev_pagemap of these sections' memory)
//     incomplete
//     filtered slab:kmalloc-64=2 page_table=1 reserved=1 not_told=3      (kernel pages that the filter took)
//
// `section A-B` is a line for each. Every section is present and has a memmap (`no_map` takes the latter flag
// away); flags are `online early device preinit`. An object lies at `@PLACE`: stretches STRETCH,STRETCH,...
// in virtual order, then optionally `/boot`, `/slab`, `/buddy` or `/unknown`, then `^0xVIRT`. A stretch is
// `0xPHYS`, `section:N` (the next free place in that section, as if allocated in the order of the file) or
// `self` (the same in the section of the line), and `+SIZE`; one stretch without a size has the object's
// whole size. `=!REASON` is an object that could not be read, one that is not named was not asked for.
// `hosted=SIZE` is Memmap::self_hosted. A section may have `page_ext@PLACE` and `shadow@PLACE` (KASAN's), too; blocks and
// tables come behind the geometry.
//
// What the checks ask for (`=!REASON` in the place of any value but a plain count):
//
//     geometry kind=classic subsection_map=1 zeroed_usemaps=0 pageblock_order=9 pageblock_bits=4 per_block=1
//     migratetypes Unmovable Movable Isolate
//     section 3 online early coded=0xfffffa1d00000000 stray=0x20 subsect=0xff types=1x62,2!,7? seen=0,1/Normal
//     node 0 pgdat@section:1 online id=0 span=0x1000+4096 present=4000
//     zone 0 Normal span=0x1000+4096 present=4000 managed=3900 isolated=1 counts=60,3,1 pgdat=0xffff...
//     block 3 offline start=3 node=0 zone=Normal altmap=512
//     blocks none
//
// `types` are pageblocks, TYPE with `!` isolated, `?` stray bits, `xN` that often; `seen` the nodes and zones of a
// section's pages; `span` is START+COUNT of pages; `numbers=!REASON` of a node or zone that cannot be read.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/memory_model.h"

namespace memsect {

/// The model that the text describes. Fails with `usage`, naming the line.
Result<MemoryModel> parse_model(std::string_view text);

/// The same notation with everything explicit: parsing it gives the same model, printing that gives the same
/// text.
std::string print_model(const MemoryModel& model);

}  // namespace memsect
