// The types of kernel_6.c and the symbols of such a kernel.
#include "kernel_6.c"
#include "fake_kernel.h"

void pfn_to_online_page(void) {}
