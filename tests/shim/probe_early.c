/* A program and, compiled with -DLIBRARY, a library of its own whose constructor runs before those of what
 * was preloaded. It allocates small and large, and the program frees both. */
#include "probe.h"

#include <stdlib.h>
#include <string.h>

#define SMALL ((size_t)300)
#define LARGE ((size_t)300000)

extern unsigned char *probe_early_small, *probe_early_large;

#ifdef LIBRARY
__attribute__((visibility("default"))) unsigned char *probe_early_small, *probe_early_large;

static unsigned char *make(size_t size) {
  void *buffer = NULL;
  if (posix_memalign(&buffer, 1024, size))
    abort();
  return memset(buffer, 0x5a, size);
}

__attribute__((constructor)) static void early(void) {
  probe_early_small = make(SMALL);
  probe_early_large = make(LARGE);
}
#else
int main(void) {
  CHECK(is_aligned(probe_early_small, 1024) && probe_early_small[SMALL - 1] == 0x5a, "%p", probe_early_small);
  CHECK(is_aligned(probe_early_large, 1024) && probe_early_large[LARGE - 1] == 0x5a, "%p", probe_early_large);
  free(probe_early_small);
  free(probe_early_large);
  return probe_failures != 0;
}
#endif
