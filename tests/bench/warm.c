/* The warm-up: touches memory and exits, so that the next process finds pages the host has already given us.
 *
 * On a virtual machine the host takes free pages back within seconds, and getting one again costs many times
 * a page fault. The driver runs this right before each measured process. Usage: bench_warm MIB */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE      ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)

int main(int argc, char **argv) {
  long mib = argc == 2 ? atol(argv[1]) : 0;
  if (mib <= 0) {
    fputs("usage: bench_warm MIB\n", stderr);
    return 2;
  }
  size_t size = (size_t)mib << 20;
  char *mapped = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    perror("bench_warm: mmap");
    return 1;
  }
  char *memory = mapped + (-(uintptr_t)mapped & (HUGE_PAGE - 1));
  madvise(memory, size, MADV_HUGEPAGE);
  for (size_t offset = 0; offset < size; offset += PAGE)
    ((volatile char *)memory)[offset] = 1;
  return 0;
}
