/* A library of the program's: its destructor runs after those of what was preloaded. It says so, and frees
 * and allocates once more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void probe_late_keep(void *small, void *large);

static unsigned char *kept_small, *kept_large;

__attribute__((visibility("default"))) void probe_late_keep(void *small, void *large) {
  kept_small = small;
  kept_large = large;
}

__attribute__((destructor)) static void late(void) {
  void *fresh = NULL;
  if (!kept_small)
    return;
  if (kept_small[299] != 0x5a || kept_large[299999] != 0x5a)
    _exit(1);
  free(kept_small);
  kept_large = realloc(kept_large, 900000);
  if (!kept_large || kept_large[299999] != 0x5a || posix_memalign(&fresh, 64, 100000))
    _exit(1);
  memset(fresh, 1, 100000);
  free(fresh);
  free(kept_large);
  fputs("late destructor ran\n", stderr);
}
