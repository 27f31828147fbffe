// fake_4_14.c with what pseries keeps of its hypervisor's memory blocks. It has functions enough to show that none of them
// takes memory out.
#include "fake_4_14.c"

struct drmem_lmb {
  unsigned long long base_addr;
  unsigned int drc_index, aa_index, flags;
} a_drmem_lmb;
struct drmem_lmb_info {
  struct drmem_lmb* lmbs;
  int n_lmbs;
  unsigned long long lmb_size;
}* drmem_info;
struct fw_dump {
  unsigned long reserve_dump_area_start, reserve_dump_area_size;
  unsigned long long boot_mem_top;
  unsigned long fadump_enabled : 1, fadump_supported : 1, dump_active : 1, dump_registered : 1;
} fw_dump;

void schedule(void) {}
