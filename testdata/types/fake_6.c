// The types of kernel_6.c and the symbols of such a kernel.
#include "kernel_6.c"
#include "fake_kernel.h"

struct kmem_cache {
  unsigned int flags;
  const char* name;
};
struct slab {
  unsigned long __page_flags;
  struct kmem_cache* slab_cache;
};
struct folio {
  struct page page;
  unsigned long _flags_1;
  unsigned long _head_1;
  int _large_mapcount, _pincount;
};
struct memory_group {
  int nid;
  struct list_head memory_blocks;
  unsigned long present_kernel_pages, present_movable_pages;
  _Bool is_dynamic;
  union {
    struct {
      unsigned long max_pages;
    } s;
    struct {
      unsigned long unit_pages;
    } d;
  };
} a_memory_group;

struct range {
  unsigned long long start, end;
};
struct vmem_altmap {
  unsigned long base_pfn;
  const unsigned long end_pfn;
  const unsigned long reserve;
  unsigned long free, align, alloc;
};
struct dev_pagemap {
  struct vmem_altmap altmap;
  char ref[40];
  enum memory_type type;
  unsigned int flags;
  unsigned long vmemmap_shift;
  void *ops, *owner;
  int nr_range;
  union {
    struct range range;
    struct range ranges[0];
  };
} a_dev_pagemap;
struct xarray pgmap_array;

enum memblock_flags { MEMBLOCK_NONE, MEMBLOCK_HOTPLUG, MEMBLOCK_MIRROR, MEMBLOCK_NOMAP = 4, MEMBLOCK_RSRV_NOINIT = 16 };
struct memblock_region {
  unsigned long long base, size;
  enum memblock_flags flags;
  int nid;
};
struct memblock_type {
  unsigned long cnt, max;
  unsigned long long total_size;
  struct memblock_region* regions;
  char* name;
};
struct memblock {
  _Bool bottom_up;
  unsigned long long current_limit;
  struct memblock_type memory, reserved;
} memblock;
struct file_system_type {
  const char* name;
  int fs_flags;
} a_file_system_type;
struct super_block {
  unsigned long s_blocksize;
  struct file_system_type* s_type;
  char s_id[32];
} a_super_block;
struct inode {
  unsigned short i_mode;
  struct super_block* i_sb;
  unsigned int i_rdev;
} an_inode;
struct address_space {
  struct inode* host;
  unsigned long nrpages;
} an_address_space;
struct slab a_slab;
struct folio a_folio;

void pfn_to_online_page(void) {}
