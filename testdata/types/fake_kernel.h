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

void _stext(void) {}
void hugetlb_init(void) {}
