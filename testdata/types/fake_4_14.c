// The types of kernel_4_14.c and the symbols of such a kernel. In 4.14 VMEMMAP shows in a function's name alone.
#include "kernel_4_14.c"
struct zoneref {
  struct zone* zone;
  int zone_idx;
};
struct zonelist {
  struct zoneref _zonerefs[16 * __MAX_NR_ZONES + 1];
} a_zonelist;
struct klist_node {
  void* n_klist;
  struct list_head n_node;
  int n_ref;
};
struct klist {
  unsigned int k_lock;
  struct list_head k_list;
  void (*get)(struct klist_node*);
  void (*put)(struct klist_node*);
};
struct subsys_private {
  char subsys[96];
  struct klist klist_devices;
} a_subsys_private;
struct device_private {
  struct klist klist_children;
  struct klist_node knode_parent, knode_driver, knode_bus;
  struct device* device;
} a_device_private;
struct bus_type {
  const char* name;
  struct subsys_private* p;
} memory_subsys;
#include "fake_kernel.h"

void vmemmap_populate(void) {}
