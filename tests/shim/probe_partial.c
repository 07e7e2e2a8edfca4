/* Stands before the shim and replaces realloc and nothing else: as a program does that has an allocator of
 * its own linked in, of which only some functions can be seen from outside. Foreign pointers end it. */
#include <stddef.h>
#include <stdlib.h>

void *realloc(void *buffer, size_t size) {
  if (buffer)
    abort();
  return malloc(size);
}
