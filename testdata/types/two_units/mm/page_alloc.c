// One of two units: knows struct zone, and struct memory_block by name only.
struct memory_block;
struct zone {
  unsigned long zone_start_pfn;
};
struct zone a_zone;
extern struct memory_block a_memory_block;
void* build_all_zonelists(struct zone* zone) {
  a_zone = *zone;
  return &a_memory_block;
}
