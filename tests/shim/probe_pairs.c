/* Allocates and frees a buffer of 64 bytes, or of SIZE, again and again: for counting what a pair costs.
 *
 *   probe_pairs api|libc COUNT
 *   probe_pairs sized SIZE COUNT */
#include "arrowpool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void by_api(long count, int64_t size) {
  arrowpool_pool *pool = arrowpool_jemalloc();
  for (uint8_t *buffer; count--; arrowpool_free(pool, buffer, size, 64)) {
    if (arrowpool_allocate(pool, size, 64, &buffer) != ARROWPOOL_OK)
      abort();
    *(volatile uint8_t *)buffer = 1;
  }
}

static void by_libc(long count, int64_t size) {
  for (void *buffer; count--; free(buffer)) {
    if (posix_memalign(&buffer, 64, (size_t)size))
      abort();
    *(volatile char *)buffer = 1;
  }
}

int main(int count, char **words) {
  bool sized = count == 4 && strcmp(words[1], "sized") == 0;
  if (count != 3 && !sized)
    return 2;
  (sized || strcmp(words[1], "api") == 0 ? by_api : by_libc)(atol(words[count - 1]),
                                                             sized ? atol(words[2]) : 64);
  return 0;
}
