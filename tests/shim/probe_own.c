/* A program that frees and resizes past the shim what it got from libc's aligned functions, as it may without
 * the shim. Built in variants, each with a macro:
 *
 *   OWN       its own malloc, calloc, realloc and free, over the C library's
 *   LIBC      __libc_free and __libc_realloc
 *   JEMALLOC  sallocx and dallocx, of a jemalloc that has to be in the process
 *   (none)    free and realloc, whose addresses it also takes
 *
 * Prints how many aligned buffers it got; they hold what was written. */
#include "probe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *buffer, size_t size);
void __libc_free(void *buffer);

#if defined(OWN)
static int calls;
void *malloc(size_t size) {
  calls++;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  calls++;
  return __libc_calloc(count, size);
}
void *realloc(void *buffer, size_t size) {
  calls++;
  return __libc_realloc(buffer, size);
}
void free(void *buffer) {
  calls++;
  __libc_free(buffer);
}
#elif defined(LIBC)
#define free    __libc_free
#define realloc __libc_realloc
#elif defined(JEMALLOC)
__attribute__((weak)) size_t sallocx(const void *buffer, int flags);
__attribute__((weak)) void dallocx(void *buffer, int flags);
static void *resize(void *buffer, size_t size) {
  CHECK(sallocx(buffer, 0) >= 5000, "%zu", sallocx(buffer, 0));
  return realloc(buffer, size);
}
static void drop(void *buffer) { dallocx(buffer, 0); }
#define free    drop
#define realloc resize
#else
void (*volatile dropping)(void *) = free;
void *(*volatile resizing)(void *, size_t) = realloc;
#define free    dropping
#define realloc resizing
#endif

static void use(void *buffer) {
  CHECK(buffer, "none");
  memset(buffer, 7, 5000);
  unsigned char *resized = realloc(hide(buffer), 300000);
  CHECK(resized && resized[0] == 7 && resized[4999] == 7, "%p", (void *)resized);
  free(hide(resized));
}

int main(void) {
  void *buffer = NULL;
#ifdef JEMALLOC
  if (!sallocx || !dallocx)
    return 77;
#endif
  CHECK(posix_memalign(&buffer, 64, 5000) == 0, "posix_memalign");
  use(buffer);
  use(aligned_alloc(64, 5056));
  use(memalign(4096, 5000));
  use(valloc(5000));
  puts("4");
  return 0;
}
