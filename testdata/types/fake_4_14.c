// The types of kernel_4_14.c and the symbols of such a kernel. In 4.14 VMEMMAP shows in a function's name alone.
#include "kernel_4_14.c"
struct zoneref {
  struct zone* zone;
  int zone_idx;
};
struct zonelist {
  struct zoneref _zonerefs[16 * __MAX_NR_ZONES + 1];
} a_zonelist;
#include "fake_kernel.h"

void vmemmap_populate(void) {}
