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
};
struct slab a_slab;
struct folio a_folio;

void pfn_to_online_page(void) {}
