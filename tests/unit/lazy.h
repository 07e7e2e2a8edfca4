/* What the tests of pages that are given back lazily share. The program's madvise counts the calls, and can
 * refuse them; smaps tells what the kernel makes of them. */
#ifndef LAZY_H
#define LAZY_H

#include "unit.h"

#include "memory/idle.h"
#include "memory/range.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LONG 600000 /* ms: nothing comes to the end of this decay time */

static _Atomic int lazy_calls;
static _Atomic bool refused; /* as a kernel refuses that does not know it */

int madvise(void *from, size_t size, int advice);
int madvise(void *from, size_t size, int advice) {
  if (advice == MADV_FREE && range_spans(from)) {
    lazy_calls++;
    if (refused)
      return errno = EINVAL, -1;
  }
  return (int)syscall(SYS_madvise, from, size, advice);
}

static inline int64_t lazy_bytes(void) {
  return unit_smaps_sum("LazyFree", (const void *)atomic_load(&range_all.low), range_all.span); /* NOLINT */
}

static inline int64_t resident_bytes(const range_window *window) {
  return unit_smaps_sum("Rss", window->base, window->size);
}

/* The kernel puts small pages where it finds them a few at a time: the last ones are not there yet. */
static inline bool about(int64_t bytes, int64_t wanted) {
  return bytes <= wanted && bytes >= wanted - wanted / 8 - 256 * KIB;
}

static inline void sleep_for(int64_t milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&time, &time))
    ;
}

#define SKIP_WITHOUT_LAZY_FREE()                                                                             \
  SKIP_IF_EMULATED("the emulator tells the kernel nothing");                                                 \
  if (unit_smaps_sum("LazyFree", NULL, SIZE_MAX) < 0)                                                        \
  SKIP("the kernel does not tell of such pages")

#endif
