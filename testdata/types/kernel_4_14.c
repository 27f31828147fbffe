// The memory management's types as of Linux 4.14, cut down: no mem_section_usage, an unsigned long for managed_pages,
// and get_pfnblock_flags_mask() with four parameters. Commit 535b81e20993 (v5.9) took one of them away and with it the
// order of the blocks inside a word of pageblock_flags, from the top down.
#include "truth.h"

enum migratetype { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_PCPTYPES,
                   MIGRATE_HIGHATOMIC = MIGRATE_PCPTYPES, MIGRATE_CMA, MIGRATE_ISOLATE, MIGRATE_TYPES };
enum pageblock_bits { PB_migrate, PB_migrate_end = PB_migrate + 3 - 1, PB_migrate_skip, NR_PAGEBLOCK_BITS };
enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE, __MAX_NR_ZONES };
enum pageflags { PG_locked, PG_error, PG_referenced, PG_uptodate, PG_dirty, PG_lru, PG_active, PG_waiters, PG_slab,
                 PG_owner_priv_1, PG_arch_1, PG_reserved, __NR_PAGEFLAGS };

struct page_ext;
struct mem_section {
  unsigned long section_mem_map;
  unsigned long* pageblock_flags;
  struct page_ext* page_ext;
  unsigned long pad;
};

struct page {
  unsigned long flags;
  union {
    void* mapping;
    void* s_mem;
    atomic_t compound_mapcount;
  };
  union {
    unsigned long index;
    void* freelist;
  };
  union {
    unsigned long counters;
    struct {
      union {
        atomic_t _mapcount;
        unsigned int active;
        struct {
          unsigned inuse : 16;
          unsigned objects : 15;
          unsigned frozen : 1;
        };
        int units;
      };
      atomic_t _refcount;
    };
  };
  union {
    struct list_head lru;
    struct {
      unsigned long compound_head;
      unsigned int compound_dtor;
      unsigned int compound_order;
    };
  };
  unsigned long private;
};

struct pglist_data;
struct free_area {
  struct list_head free_list[MIGRATE_TYPES];
  unsigned long nr_free;
};
struct zone {
  unsigned long watermark[3];
  int node;
  struct pglist_data* zone_pgdat;
  unsigned long zone_start_pfn;
  unsigned long managed_pages;
  unsigned long spanned_pages;
  unsigned long present_pages;
  const char* name;
  struct free_area free_area[11];
};
typedef struct pglist_data {
  struct zone node_zones[__MAX_NR_ZONES];
  int nr_zones;
  unsigned long node_start_pfn;
  unsigned long node_present_pages;
  unsigned long node_spanned_pages;
  int node_id;
} pg_data_t;

struct device {
  struct device* parent;
  char opaque[500];
};
struct memory_block {
  unsigned long start_section_nr;
  unsigned long end_section_nr;
  unsigned long state;
  int section_count;
  int online_type;
  int phys_device;
  void* hw;
  int (*phys_callback)(struct memory_block*);
  struct device dev;
  int nid;
};

struct mem_section* mem_section[2048];
pg_data_t contig_page_data;
struct memory_block a_memory_block;

void build_all_zonelists(pg_data_t* pgdat) { contig_page_data.node_id = pgdat->node_id; }
unsigned long get_pfnblock_flags_mask(struct page* page, unsigned long pfn, unsigned long end_bitidx,
                                      unsigned long mask) {
  return (page->flags ^ pfn) >> end_bitidx & mask;
}
void memory_dev_init(void) { a_memory_block.nid = 0; }

TRUTH_BEGIN
TRUTH_SIZE(mem_section) TRUTH(mem_section, section_mem_map) TRUTH(mem_section, pageblock_flags)
TRUTH_SIZE(page) TRUTH(page, flags) TRUTH(page, _mapcount) TRUTH(page, _refcount) TRUTH(page, lru)
TRUTH(page, compound_head) TRUTH(page, compound_order) TRUTH(page, private)
TRUTH_SIZE(zone) TRUTH(zone, zone_start_pfn) TRUTH(zone, managed_pages) TRUTH(zone, name)
TRUTH_SIZE(pglist_data) TRUTH(pglist_data, node_zones) TRUTH(pglist_data, node_id)
TRUTH_SIZE(memory_block) TRUTH(memory_block, end_section_nr) TRUTH(memory_block, state) TRUTH(memory_block, nid)
TRUTH_END
