/* A program linked to libarrowpool.so: a pool of its own, beside aligned memory of libc. Says whether the
 * libc hook serves from the same range as its pool, that is, whether there is one instance. */
#include "arrowpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  arrowpool_config config = {.struct_size = sizeof config, .backend = ARROWPOOL_BACKEND_JEMALLOC};
  arrowpool_pool *pool;
  uint8_t *buffer;
  void *other;
  if (arrowpool_create("probe", &config, &pool) || arrowpool_allocate(pool, 100000, 64, &buffer) ||
      arrowpool_reallocate(pool, 100000, 500000, 64, &buffer) || posix_memalign(&other, 64, 100000))
    return 1;
  memset(buffer, 1, 500000);
  printf("%s\n", arrowpool_version());
  free(other);
  return 0; /* the pool's buffer stays live */
}
