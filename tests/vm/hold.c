/* Holds memory in ways that the shell of the guest cannot: hold anonymous|pinned|pinned-huge|spliced MIB, until it is killed.
   pinned: as io_uring's registered buffers, long-term pins; pinned-huge: the same of hugetlb. spliced: pages that lie in
   pipes (vmsplice). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int pin(char *memory, size_t size) {
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
  int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);
  struct iovec buffer = {memory, size};
  return ring < 0 || syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1) != 0;
}

static int splice_all(char *memory, size_t size) {
  for (size_t done = 0; done < size;) {
    int ends[2];
    if (pipe(ends) != 0) return 1;
    for (int full = 0; !full && done < size;) {
      struct iovec page = {memory + done, 4096};
      if (vmsplice(ends[1], &page, 1, SPLICE_F_NONBLOCK) == 4096)
        done += 4096;
      else
        full = 1;
    }
  }
  return 0;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &no_limit);
  size_t size = strtoul(words[2], NULL, 10) << 20;
  int huge = !strcmp(words[1], "pinned-huge");
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (huge ? MAP_HUGETLB : 0), -1, 0);
  if (memory == MAP_FAILED) return 1;
  memset(memory, 1, size);
  if (!strncmp(words[1], "pinned", 6) && pin(memory, size)) return 1;
  if (!strcmp(words[1], "spliced") && splice_all(memory, size)) return 1;
  puts("held");
  fflush(stdout);
  for (;;) pause();
}
