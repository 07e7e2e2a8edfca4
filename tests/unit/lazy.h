/* What the tests of pages that are given back lazily share. The program's madvise counts the calls, and can
 * refuse them; smaps tells what the kernel makes of them. */
#ifndef LAZY_H
#define LAZY_H

#include "unit.h"

#include "memory/idle.h"
#include "memory/range.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
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

/* Returns the sum of a field of smaps (bytes) over the mappings that begin in a stretch; -1: there is no such
 * field. */
static inline int64_t field(const char *name, const void *from, size_t size) {
  FILE *file = fopen("/proc/self/smaps", "r");
  CHECK(file);
  char line[512], *end;
  bool within = false, known = false;
  int64_t sum = 0;
  while (fgets(line, sizeof line, file)) {
    uintptr_t at = strtoull(line, &end, 16);
    if (*end == '-')
      within = at - (uintptr_t)from < size;
    else if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
      known = true;
      sum += within ? strtoll(line + strlen(name) + 1, NULL, 10) * KIB : 0;
    }
  }
  fclose(file);
  return known ? sum : -1;
}

static inline int64_t lazy_bytes(void) {
  return field("LazyFree", (const void *)atomic_load(&range_all.low), range_all.span); /* NOLINT */
}

static inline int64_t resident_bytes(const range_window *window) {
  return field("Rss", window->base, window->size);
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
  if (field("LazyFree", NULL, 1) < 0)                                                                        \
  SKIP("the kernel does not tell of such pages")

#endif
