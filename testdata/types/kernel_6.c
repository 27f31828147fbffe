// The memory management's types as of Linux 6.1 to 6.12, cut down: the shapes, not the sizes.
#include "truth.h"

enum migratetype { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_PCPTYPES,
                   MIGRATE_HIGHATOMIC = MIGRATE_PCPTYPES, MIGRATE_ISOLATE, MIGRATE_TYPES };
enum pageblock_bits { PB_migrate, PB_migrate_end = PB_migrate + 3 - 1, PB_migrate_skip, NR_PAGEBLOCK_BITS };
enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE, ZONE_DEVICE, __MAX_NR_ZONES };
enum pageflags { PG_locked, PG_writeback, PG_referenced, PG_uptodate, PG_dirty, PG_lru, PG_head, PG_reserved = 13,
                 __NR_PAGEFLAGS };
enum memory_type { MEMORY_DEVICE_PRIVATE = 1, MEMORY_DEVICE_COHERENT, MEMORY_DEVICE_FS_DAX };
enum mmop { MMOP_OFFLINE = 0, MMOP_ONLINE, MMOP_ONLINE_KERNEL, MMOP_ONLINE_MOVABLE };
enum { SECTION_MARKED_PRESENT_BIT, SECTION_HAS_MEM_MAP_BIT, SECTION_IS_ONLINE_BIT, SECTION_IS_EARLY_BIT,
       SECTION_TAINT_ZONE_DEVICE_BIT, SECTION_MAP_LAST_BIT };

#ifdef __clang__  // describes the enums that code uses
int used_enumerators(int i) {
  return i + MIGRATE_MOVABLE * NR_PAGEBLOCK_BITS + SECTION_MAP_LAST_BIT;
}
#endif

struct mem_section_usage {
  struct callback_head rcu;
  unsigned long subsection_map[1];
  unsigned long pageblock_flags[0];
};
struct mem_section {
  unsigned long section_mem_map;
  struct mem_section_usage* usage;
};

struct address_space;
struct dev_pagemap;
struct page {
  unsigned long flags;
  union {
    struct {
      union {
        struct list_head lru;
        struct {
          void* __filler;
          unsigned int mlock_count;
        };
        struct list_head buddy_list;
      };
      struct address_space* mapping;
      union {
        unsigned long index;
        unsigned long share;
      };
      unsigned long private;
    };
    struct {
      unsigned long compound_head;
    };
    struct {
      struct dev_pagemap* pgmap;
      void* zone_device_data;
    };
    struct callback_head callback_head;
  };
  union {
    unsigned int page_type;
    atomic_t _mapcount;
  };
  atomic_t _refcount;
} __attribute__((aligned(2 * sizeof(unsigned long))));

struct pglist_data;
struct free_area {
  struct list_head free_list[MIGRATE_TYPES];
  unsigned long nr_free;
};
struct zone {
  unsigned long _watermark[4];
  int node;
  struct pglist_data* zone_pgdat;
  unsigned long zone_start_pfn;
  atomic_long_t managed_pages;
  unsigned long spanned_pages;
  unsigned long present_pages;
  unsigned long present_early_pages;
  const char* name;
  struct free_area free_area[11] __attribute__((aligned(64)));
  atomic_long_t vm_stat[10];
};
struct zoneref {
  struct zone* zone;
  int zone_idx;
};
struct zonelist {
  struct zoneref _zonerefs[(1 << 4) * __MAX_NR_ZONES + 1];
};
typedef struct pglist_data {
  struct zone node_zones[__MAX_NR_ZONES];
  struct zonelist node_zonelists[2];
  int nr_zones;
  unsigned long node_start_pfn;
  unsigned long node_present_pages;
  unsigned long node_spanned_pages;
  int node_id;
} pg_data_t;

struct device {
  struct device* parent;
  char opaque[600];
};
struct memory_group;
struct memory_block {
  unsigned long start_section_nr;
  unsigned long state;
  int online_type;
  int nid;
  struct zone* zone;
  struct device dev;
  unsigned long nr_vmemmap_pages;
  struct memory_group* group;
  struct list_head group_next;
};

typedef struct {
  union {
    unsigned int raw;
  };
} spinlock_t;
struct xarray {
  spinlock_t xa_lock;
  unsigned int xa_flags;
  void* xa_head;
};
struct xa_node {
  unsigned char shift;
  unsigned char offset;
  unsigned char count;
  unsigned char nr_values;
  struct xa_node* parent;
  struct xarray* array;
  union {
    struct list_head private_list;
    struct callback_head callback_head;
  };
  void* slots[64];
  union {
    unsigned long tags[3][1];
    unsigned long marks[3][1];
  };
};

struct mem_section** mem_section;
pg_data_t contig_page_data;
struct memory_block a_memory_block;
struct xarray memory_blocks;
struct xa_node an_xa_node;

void build_all_zonelists(pg_data_t* pgdat) { contig_page_data.node_id = pgdat->node_id; }
unsigned long get_pfnblock_flags_mask(const struct page* page, unsigned long pfn, unsigned long mask) {
  return (page->flags ^ pfn) & mask & SECTION_IS_ONLINE_BIT;
}
void memory_dev_init(void) { memory_blocks.xa_head = &a_memory_block; }

TRUTH_BEGIN
TRUTH_SIZE(mem_section) TRUTH(mem_section, section_mem_map) TRUTH(mem_section, usage)
TRUTH_SIZE(mem_section_usage) TRUTH(mem_section_usage, rcu) TRUTH(mem_section_usage, subsection_map)
TRUTH_FLEXIBLE(mem_section_usage, pageblock_flags)
TRUTH_SIZE(page) TRUTH(page, flags) TRUTH(page, lru) TRUTH(page, mlock_count) TRUTH(page, share)
TRUTH(page, compound_head) TRUTH(page, pgmap) TRUTH(page, page_type) TRUTH(page, _mapcount) TRUTH(page, _refcount)
TRUTH_SIZE(zone) TRUTH(zone, node) TRUTH(zone, zone_pgdat) TRUTH(zone, zone_start_pfn) TRUTH(zone, managed_pages)
TRUTH(zone, name) TRUTH(zone, free_area) TRUTH(zone, vm_stat)
TRUTH_SIZE(zonelist) TRUTH(zonelist, _zonerefs)
TRUTH_SIZE(pglist_data) TRUTH(pglist_data, node_zones) TRUTH(pglist_data, node_zonelists)
TRUTH(pglist_data, nr_zones) TRUTH(pglist_data, node_start_pfn) TRUTH(pglist_data, node_id)
TRUTH_SIZE(memory_block) TRUTH(memory_block, start_section_nr) TRUTH(memory_block, state)
TRUTH(memory_block, nid) TRUTH(memory_block, dev) TRUTH(memory_block, group_next)
TRUTH_SIZE(xarray) TRUTH(xarray, xa_lock) TRUTH(xarray, xa_head)
TRUTH_SIZE(xa_node) TRUTH(xa_node, shift) TRUTH(xa_node, slots) TRUTH(xa_node, marks)
TRUTH_END
