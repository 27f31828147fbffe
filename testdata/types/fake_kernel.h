// What a made-up kernel (tests/support/fake_kernel.h) has beside its types: the variables and functions that memsect asks
// the symbol table for. Their contents come from the test; here they only need names and room. Include it after a
// kernel_*.c.
#pragma once

unsigned long init_top_pgt[512] __attribute__((aligned(4096)));
char linux_banner[128];
const char* migratetype_names[MIGRATE_TYPES];
unsigned long __highest_present_section_nr;
int sections_per_block;
unsigned long page_ext_size;
pg_data_t* node_data[16];
enum node_states {
  N_POSSIBLE,
  N_ONLINE,
  N_NORMAL_MEMORY,
  N_HIGH_MEMORY = N_NORMAL_MEMORY,
  N_MEMORY,
  N_CPU,
  NR_NODE_STATES
};
unsigned long node_states[NR_NODE_STATES];
char scratch[65536] __attribute__((aligned(4096)));  // strings, tables, whatever a test puts into the image

struct resource {
  unsigned long long start, end;
  const char* name;
  unsigned long flags, desc;
  struct resource *parent, *sibling, *child;
};
struct resource iomem_resource, crashk_res;
enum zone_stat_item { NR_FREE_PAGES, NR_VM_ZONE_STAT_ITEMS };
enum zone_stat_item a_zone_stat_item;
unsigned long vm_zone_stat[NR_VM_ZONE_STAT_ITEMS];

enum zone_watermarks { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };
enum zone_watermarks a_zone_watermark;

struct hstate {
  int next_nid_to_alloc, next_nid_to_free;
  unsigned int order;
  unsigned long mask, max_huge_pages, nr_huge_pages, free_huge_pages, resv_huge_pages, surplus_huge_pages;
  unsigned int free_huge_pages_node[4];
  char name[32];
};
struct hstate hstates[2];
int hugetlb_max_hstate;

struct notifier_block {
  int (*notifier_call)(struct notifier_block*, unsigned long, void*);
  struct notifier_block* next;
  int priority;
};
struct blocking_notifier_head {
  char rwsem[40];
  struct notifier_block* head;
} memory_chain;
struct notifier_block a_notifier_block;

void _stext(void) {}
int ksm_memory_callback(struct notifier_block* block, unsigned long action, void* data) {
  return block->priority + (int)action + (data != 0);
}
int somebodys_callback(struct notifier_block* block, unsigned long action, void* data) {
  return block->priority - (int)action - (data != 0);
}
void hugetlb_init(void) {}
