/* Allocates and frees a buffer of 64 bytes, again and again: for counting what a pair costs.
 *
 *   probe_pairs api|libc COUNT */
#include "arrowpool.h"

#include <stdlib.h>
#include <string.h>

static void by_api(long count) {
  arrowpool_pool *pool = arrowpool_jemalloc();
  for (uint8_t *buffer; count--; arrowpool_free(pool, buffer, 64, 64)) {
    if (arrowpool_allocate(pool, 64, 64, &buffer) != ARROWPOOL_OK)
      abort();
    *(volatile uint8_t *)buffer = 1;
  }
}

static void by_libc(long count) {
  for (void *buffer; count--; free(buffer)) {
    if (posix_memalign(&buffer, 64, 64))
      abort();
    *(volatile char *)buffer = 1;
  }
}

int main(int count, char **words) {
  if (count != 3)
    return 2;
  (strcmp(words[1], "api") == 0 ? by_api : by_libc)(atol(words[2]));
  return 0;
}
