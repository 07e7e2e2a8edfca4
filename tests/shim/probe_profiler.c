/* A preload that stands in for mmap, as profilers do, and says at exit how many GiB the program took by it.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic size_t taken;

void *mmap(void *at, size_t size, int access, int flags, int fd, off_t offset) {
  taken += size;
  return (void *)syscall(SYS_mmap, at, size, access, flags, fd, offset);
}

__attribute__((destructor)) static void report(void) {
  fprintf(stderr, "%zu GiB by mmap\n", (size_t)taken >> 30);
}
