/* What the probes of libc's hook share: who is under test, what allocators are known to do otherwise than the
 * documents say, and patterns in memory.
 *
 * usage of each probe: PROBE [ALLOCATOR [alone]], with the allocator that is preloaded besides. "alone" also
 * demands that each of its allowances is still needed. */
#ifndef PROBE_LIBC_H
#define PROBE_LIBC_H

#include "probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SENTINEL 4711 /* no errno has this value */
#define COUNT(a) (sizeof(a) / sizeof *(a))

typedef enum allowance {
  ALLOW_NO_ERRNO,          /* refuses with NULL, and leaves errno as it was */
  ALLOW_ODD_ALIGNMENTS,    /* takes an alignment that is no power of two, and does not round it up */
  ALLOW_PVALLOC_WRAPS,     /* pvalloc(SIZE_MAX) is a small block */
  ALLOW_UNALIGNED_NOTHING, /* memalign of no bytes is not aligned */
  ALLOW_NO_PVALLOC,        /* has no pvalloc, and its free cannot take glibc's */
  ALLOW_NULL_OUT,          /* posix_memalign writes NULL where it refuses */
  ALLOW_NEW_ABORTS,        /* operator new ends the program where it should throw */
} allowance;

/* The one place where differences are allowed. Versions: Debian 12's, which need each that is not `needed`
 * from the start: these are for other versions. */
static struct {
  const char *allocator, *probe;
  allowance what;
  const char *why;
  bool needed;
} allowances[] = {
    {"tcmalloc", "alloc", ALLOW_ODD_ALIGNMENTS, "a bad alignment is undefined before C23", false},
    {"tcmalloc", "alloc", ALLOW_PVALLOC_WRAPS, "rounds up to a page first; pvalloc is in no standard", false},
    {"mimalloc", "alloc", ALLOW_NO_ERRNO, "2.0.9 sets errno in posix_memalign's relatives nowhere", false},
    {"mimalloc", "resize", ALLOW_NO_ERRNO, "2.0.9's realloc does not set it either", false},
    {"mimalloc", "cxx", ALLOW_NEW_ABORTS, "built as C, it has nothing to throw with", false},
    {"malloc_debug", "alloc", ALLOW_NULL_OUT, "glibc's libc_malloc_debug.so.0 does; POSIX leaves it open",
     false},
    {"malloc_debug", "alloc", ALLOW_NO_ERRNO, "glibc 2.41's aligned_alloc sets none", true},
    {"jemalloc", "alloc", ALLOW_NO_ERRNO, "memalign and valloc, which are in no standard, do not set it",
     false},
    {"jemalloc", "resize", ALLOW_NO_ERRNO, "5.3.0's realloc does not set it for sizes it has no class for",
     false},
    {"jemalloc", "alloc", ALLOW_UNALIGNED_NOTHING, "a block of no bytes holds nothing to align", false},
    {"jemalloc", "alloc", ALLOW_NO_PVALLOC, "5.3.0 leaves it to glibc: a crash with jemalloc alone", false},
};

static const char *probe_allocator = "", *probe_name;
static bool probe_alone;
static bool ours; /* the shim serves aligned memory itself */

static inline bool allowed(allowance what) {
  bool found = false;
  for (size_t i = 0; i < COUNT(allowances); i++)
    if (allowances[i].what == what && !strcmp(allowances[i].allocator, probe_allocator) &&
        !strcmp(allowances[i].probe, probe_name))
      found = allowances[i].needed = true;
  return found;
}

/* A refusal's errno. */
static inline bool is_errno(int wanted) {
  return errno == wanted || (errno == SENTINEL && allowed(ALLOW_NO_ERRNO));
}

static inline void *base_of(const void *address) {
  Dl_info info;
  return address && dladdr(address, &info) ? info.dli_fbase : NULL;
}

/* Whether the program's calls of these two, as it is linked, arrive there. */
static inline bool serves(const void *base) {
  return base && base == base_of((const void *)(uintptr_t)posix_memalign) &&
         base == base_of((const void *)(uintptr_t)free);
}

static inline void probe_begin(const char *name, int count, char **arguments) {
  const char *pool = getenv("ARROW_POOL");
  void *shim = base_of(dlsym(RTLD_DEFAULT, "arrowpool_report"));
  dlerror();
  probe_name = name;
  probe_allocator = count > 1 ? arguments[1] : "";
  probe_alone = count > 2;
  ours = serves(shim) && pool && strcmp(pool, "jemalloc") == 0;
}

static inline int probe_end(void) {
  for (size_t i = 0; probe_alone && i < COUNT(allowances); i++)
    CHECK(allowances[i].needed || strcmp(allowances[i].allocator, probe_allocator) ||
              strcmp(allowances[i].probe, probe_name),
          "%s no longer needs: %s", probe_allocator, allowances[i].why);
  return probe_failures != 0;
}

static inline void *from_posix_memalign(size_t alignment, size_t size) {
  void *buffer = NULL;
  return posix_memalign(&buffer, alignment, size) ? NULL : buffer;
}

static const size_t huge_sizes[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 4096, SIZE_MAX};

static inline void fill(void *buffer, size_t size, unsigned seed) {
  unsigned char *bytes = (unsigned char *)buffer;
  for (size_t i = 0; i < size; i++)
    bytes[i] = (unsigned char)(i * 31 + i / 251 + seed);
}

static inline bool is_filled(const void *buffer, size_t size, unsigned seed) {
  const unsigned char *bytes = (const unsigned char *)buffer;
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != (unsigned char)(i * 31 + i / 251 + seed))
      return false;
  return true;
}

#endif
