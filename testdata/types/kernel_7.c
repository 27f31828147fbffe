// The memory management's types as of Linux 7.3, cut down: page.flags is a struct, the number of pageblock bits has
// become a macro beside __NR_PAGEBLOCK_BITS, memory_block.state an enum, and struct members may be tagged structs
// without a name (-fms-extensions).
#include "truth.h"

enum migratetype { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_PCPTYPES,
                   MIGRATE_HIGHATOMIC = MIGRATE_PCPTYPES, MIGRATE_CMA, __MIGRATE_TYPE_END = MIGRATE_CMA,
                   MIGRATE_ISOLATE, MIGRATE_TYPES };
enum pageblock_bits { PB_migrate_0, PB_migrate_1, PB_migrate_2, PB_compact_skip, PB_migrate_isolate,
                      __NR_PAGEBLOCK_BITS };
enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_MOVABLE, ZONE_DEVICE, __MAX_NR_ZONES };
enum pageflags { PG_locked, PG_writeback, PG_referenced, PG_uptodate, PG_dirty, PG_lru, PG_head, PG_reserved = 13,
                 __NR_PAGEFLAGS };
enum memory_block_state { MEM_ONLINE, MEM_GOING_OFFLINE, MEM_OFFLINE, MEM_GOING_ONLINE, MEM_CANCEL_ONLINE,
                          MEM_CANCEL_OFFLINE };
enum mmop { MMOP_OFFLINE = 0, MMOP_ONLINE, MMOP_ONLINE_KERNEL, MMOP_ONLINE_MOVABLE };
enum { SECTION_MARKED_PRESENT_BIT, SECTION_HAS_MEM_MAP_BIT, SECTION_IS_ONLINE_BIT, SECTION_IS_EARLY_BIT,
       SECTION_TAINT_ZONE_DEVICE_BIT, SECTION_IS_VMEMMAP_PREINIT_BIT, SECTION_MAP_LAST_BIT };

struct mem_section_usage {
  struct callback_head rcu;
  unsigned long subsection_map[1];
  unsigned long pageblock_flags[];
};
struct mem_section {
  unsigned long section_mem_map;
  struct mem_section_usage* usage;
};

typedef struct memdesc_flags_t {
  unsigned long f;
} memdesc_flags_t;
struct page {
  memdesc_flags_t flags;
  union {
    struct {
      union {
        struct list_head lru;
        struct list_head pcp_list;
      };
      void* mapping;
      unsigned long private;
    };
    struct {
      unsigned long compound_info;
    };
  };
  union {
    unsigned int page_type;
    atomic_t _mapcount;
  };
  atomic_t _refcount;
};

struct pglist_data;
struct zone {
  unsigned long _watermark[4];
  int node;
  struct pglist_data* zone_pgdat;
  unsigned long zone_start_pfn;
  atomic_long_t managed_pages;
  unsigned long spanned_pages;
  unsigned long present_pages;
  unsigned long present_early_pages;
  unsigned long cma_pages;
  const char* name;
  struct page* vmemmap_tails[8];
};
typedef struct pglist_data {
  struct zone node_zones[__MAX_NR_ZONES];
  int nr_zones;
  unsigned long node_start_pfn;
  unsigned long node_present_pages;
  unsigned long node_spanned_pages;
  int node_id;
} pg_data_t;

struct vmem_altmap {
  unsigned long base_pfn;
  const unsigned long end_pfn;
};
struct device {
  struct device* parent;
  char opaque[640];
};
struct memory_block {
  unsigned long start_section_nr;
  enum memory_block_state state;
  enum mmop online_type;
  int nid;
  struct zone* zone;
  struct device dev;
  struct vmem_altmap* altmap;
  void* group;
  struct list_head group_next;
  atomic_long_t nr_hwpoison;
};
struct tagged_inside {
  struct list_head;
  int after;
};

struct mem_section** mem_section;
pg_data_t contig_page_data;
struct memory_block a_memory_block;
struct tagged_inside a_tagged_inside;

void build_all_zonelists(pg_data_t* pgdat) { contig_page_data.node_id = pgdat->node_id; }
void memory_dev_init(void) { a_memory_block.state = MEM_OFFLINE; }

TRUTH_BEGIN
TRUTH_SIZE(mem_section) TRUTH(mem_section, section_mem_map) TRUTH(mem_section, usage)
TRUTH_SIZE(mem_section_usage) TRUTH(mem_section_usage, subsection_map)
TRUTH_FLEXIBLE(mem_section_usage, pageblock_flags)
TRUTH_SIZE(page) TRUTH(page, flags) TRUTH(page, lru) TRUTH(page, compound_info) TRUTH(page, page_type)
TRUTH_SIZE(memdesc_flags_t) TRUTH(memdesc_flags_t, f)
TRUTH_SIZE(zone) TRUTH(zone, zone_start_pfn) TRUTH(zone, name) TRUTH(zone, vmemmap_tails)
TRUTH_SIZE(pglist_data) TRUTH(pglist_data, node_id)
TRUTH_SIZE(memory_block) TRUTH(memory_block, state) TRUTH(memory_block, online_type) TRUTH(memory_block, nid)
TRUTH(memory_block, altmap) TRUTH(memory_block, nr_hwpoison)
TRUTH_SIZE(tagged_inside) TRUTH(tagged_inside, next) TRUTH(tagged_inside, prev) TRUTH(tagged_inside, after)
TRUTH_END
