// The other one: defines struct memory_block, and a struct zone of its own that must not win.
struct zone {
  int impostor[20];
};
enum memory_block_state { MEM_ONLINE, MEM_OFFLINE = 2 };
struct memory_block {
  unsigned long start_section_nr;
  enum memory_block_state state;
};
struct memory_block a_memory_block;
struct zone* memory_dev_init(int a, int b) { return a == b ? 0 : (struct zone*)&a_memory_block; }
