/* A program unmaps pages within its buffer; then it maps and allocates whatever fits: nothing may come to lie
 * there, and the buffer can be freed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE ((size_t)8 << 20)

int main(void) {
  char *buffer, *maps[64];
  if (posix_memalign((void **)&buffer, 4096, SIZE) || munmap(buffer + SIZE / 4, SIZE / 2))
    return 1;
  for (int i = 0; i < 64; i++) {
    maps[i] = mmap(buffer + SIZE / 4, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if ((uintptr_t)maps[i] - (uintptr_t)buffer < SIZE)
      return puts("somebody got them"), 1;
    memset(maps[i], i, 65536);
  }
  free(buffer);
  for (int i = 0; i < 64; i++)
    if (maps[i][100] != i)
      return puts("a mapping was overwritten"), 1;
  puts("nobody got them");
}
