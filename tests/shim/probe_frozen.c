/* Frees large and small buffers, and looks, by the kernel's own calls, whether their pages go back although
 * no clock of the process's moves. Says how that went. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define COUNT 2000

static long resident(void) {
  long pages = 0, skipped;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &skipped, &pages) != 2)
    abort();
  fclose(file);
  return pages;
}

static void *make(size_t size) {
  void *buffer;
  if (posix_memalign(&buffer, 64, size))
    abort();
  return memset(buffer, 1, size);
}

int main(void) {
  void *small[COUNT], *large = make((size_t)64 << 20);
  for (int i = 0; i < COUNT; i++)
    small[i] = make(32768);
  long most = resident();
  for (int i = 0; i < COUNT; i++)
    free(small[i]);
  free(large);
  for (int tries = 0; tries < 600; tries++) { /* a minute, for a machine that is busy */
    syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = 100000000}, NULL);
    if (resident() < most / 4)
      return puts("pages went back"), 0;
  }
  puts("pages stay");
}
