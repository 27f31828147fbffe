// fake_4_14.c with the migrate types of 4.3: Linux 974a786e63c9 (v4.4) put MOVABLE before RECLAIMABLE and made HIGHATOMIC
// out of RESERVE. And with its compound pages: Linux 1d798ca3f164 and f1e61557f023 (v4.4) made page.compound_head,
// compound_dtor and compound_order out of PG_tail, first_page and the words of a list. As in RHEL 7's 3.10.
#define migratetype migratetype_since_4_4
#define MIGRATE_UNMOVABLE SINCE_4_4_UNMOVABLE
#define MIGRATE_MOVABLE SINCE_4_4_MOVABLE
#define MIGRATE_RECLAIMABLE SINCE_4_4_RECLAIMABLE
#define MIGRATE_PCPTYPES SINCE_4_4_PCPTYPES
#define MIGRATE_HIGHATOMIC SINCE_4_4_HIGHATOMIC
#define MIGRATE_CMA SINCE_4_4_CMA
#define MIGRATE_ISOLATE SINCE_4_4_ISOLATE
#define MIGRATE_TYPES SINCE_4_4_TYPES
#define page page_since_4_4
#define pageflags pageflags_since_4_4
#define __NR_PAGEFLAGS SINCE_4_4_NR_PAGEFLAGS
#define PG_locked SINCE_4_4_locked
#define PG_error SINCE_4_4_error
#define PG_referenced SINCE_4_4_referenced
#define PG_uptodate SINCE_4_4_uptodate
#define PG_dirty SINCE_4_4_dirty
#define PG_lru SINCE_4_4_lru
#define PG_active SINCE_4_4_active
#define PG_waiters SINCE_4_4_waiters
#define PG_slab SINCE_4_4_slab
#define PG_owner_priv_1 SINCE_4_4_owner_priv_1
#define PG_arch_1 SINCE_4_4_arch_1
#define PG_reserved SINCE_4_4_reserved
#include "fake_4_14.c"
#undef page
#undef pageflags
#undef __NR_PAGEFLAGS
#undef PG_locked
#undef PG_error
#undef PG_referenced
#undef PG_uptodate
#undef PG_dirty
#undef PG_lru
#undef PG_active
#undef PG_waiters
#undef PG_slab
#undef PG_owner_priv_1
#undef PG_arch_1
#undef PG_reserved
#undef migratetype
#undef MIGRATE_UNMOVABLE
#undef MIGRATE_MOVABLE
#undef MIGRATE_RECLAIMABLE
#undef MIGRATE_PCPTYPES
#undef MIGRATE_CMA
#undef MIGRATE_ISOLATE
#undef MIGRATE_TYPES
enum migratetype { MIGRATE_UNMOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE, MIGRATE_PCPTYPES,
                   MIGRATE_RESERVE = MIGRATE_PCPTYPES, MIGRATE_CMA, MIGRATE_ISOLATE, MIGRATE_TYPES };

enum pageflags { PG_locked, PG_error, PG_referenced, PG_uptodate, PG_dirty, PG_lru, PG_active, PG_slab, PG_owner_priv_1,
                 PG_arch_1, PG_reserved, PG_private, PG_private_2, PG_writeback, PG_head, PG_tail, PG_swapcache,
                 __NR_PAGEFLAGS };
struct page {
  unsigned long flags;
  void* mapping;
  union {
    unsigned long index;
    void* freelist;
  };
  union {
    unsigned long counters;
    struct {
      atomic_t _mapcount;
      atomic_t _count;
    };
  };
  struct list_head lru;
  union {
    unsigned long private;
    struct kmem_cache* slab_cache;
    struct page* first_page;
  };
} a_page;
struct kmem_cache {
  unsigned long flags;
  const char* name;
} a_kmem_cache;

void free_huge_page(struct page* page) { page->flags = 0; }
void schedule(void) {}
void offline_pages(void) {}
