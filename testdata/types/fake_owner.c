// fake_4_14.c with page_owner and its stacks: as up to 6.2, or as since 6.18 with -DNEW_DEPOT.
#include "fake_4_14.c"

enum page_ext_flags { PAGE_EXT_OWNER, PAGE_EXT_OWNER_ALLOCATED };
enum page_ext_flags some_page_ext_flags;
struct page_ext {
  unsigned long flags;
} a_page_ext;
struct page_ext_operations {
  unsigned long offset, size;
} page_owner_ops;
struct page_owner {
  unsigned short order;
  short last_migrate_reason;
  unsigned int gfp_mask, handle, free_handle;
#ifdef NEW_DEPOT
  unsigned long long ts_nsec, free_ts_nsec;
  char comm[16];
  int pid;
#endif
} a_page_owner;
union handle_parts {
  unsigned int handle;
  struct {
#ifdef NEW_DEPOT
    unsigned int pool_index_plus_1 : 17, offset : 10, extra : 5;
#else
    unsigned int slabindex : 21, offset : 10, valid : 1;
#endif
  };
};
struct stack_record {
  struct stack_record* next;
  unsigned int hash, size;
  union handle_parts handle;
  unsigned long entries[];
} a_stack_record;
unsigned int early_handle;
#ifdef NEW_DEPOT
void** stack_pools;
unsigned int stack_max_pools;
#else
void* stack_slabs[4];
#endif

void schedule(void) {}
void offline_pages(void) {}
