// The types of kernel_7.c, more of them, and the symbols of such a kernel.
#define vmem_altmap vmem_altmap_without_free
#include "kernel_7.c"
#undef vmem_altmap
enum pagetype { PGTY_buddy = 0xf0, PGTY_table = 0xf2, PGTY_slab = 0xf5 };
struct vmem_altmap {
  unsigned long base_pfn;
  const unsigned long end_pfn;
  const unsigned long reserve;
  unsigned long free;
} an_altmap;
struct zoneref {
  struct zone* zone;
  int zone_idx;
};
struct zonelist {
  struct zoneref _zonerefs[16 * __MAX_NR_ZONES + 1];
} a_zonelist;
struct xarray {
  unsigned int xa_lock;
  unsigned int xa_flags;
  void* xa_head;
} memory_blocks;
struct xa_node {
  unsigned char shift;
  unsigned char offset;
  unsigned char count;
  unsigned char nr_values;
  struct xa_node* parent;
  struct xarray* array;
  struct list_head private_list;
  void* slots[64];
  unsigned long marks[3];
} an_xa_node;
#include "fake_kernel.h"

void pfn_to_online_page(void) {}
void __asan_load8(void) {}
char kasan_early_shadow_page[4096] __attribute__((aligned(4096)));
