/* Conformance of the aligned allocation functions and their companions: POSIX.1-2024, C23, the glibc manual.
 * Passes with plain glibc too, so where the documents leave a choice every choice is accepted.
 * What happens in threads and at the end of the process is in probe_ends.c. */
#include "probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SENTINEL 4711 /* no errno has this value */
#define GIB      ((size_t)1 << 30)
#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool ours; /* the shim serves aligned memory itself */

static const size_t huge_sizes[] = {PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 4096, SIZE_MAX};
static const size_t bad_alignments[] = {0, 3, 24, 100, ((size_t)1 << 20) + 8};

static void *from_posix_memalign(size_t alignment, size_t size) {
  void *buffer = NULL;
  return posix_memalign(&buffer, alignment, size) ? NULL : buffer;
}

typedef struct maker {
  const char *name;
  void *(*make)(size_t alignment, size_t size);
} maker;
static const maker makers[] = {
    {"posix_memalign", from_posix_memalign}, {"aligned_alloc", aligned_alloc}, {"memalign", memalign}};

static void fill(void *buffer, size_t size, unsigned seed) {
  unsigned char *bytes = buffer;
  for (size_t i = 0; i < size; i++)
    bytes[i] = (unsigned char)(i * 31 + i / 251 + seed);
}

static bool is_filled(const void *buffer, size_t size, unsigned seed) {
  const unsigned char *bytes = buffer;
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != (unsigned char)(i * 31 + i / 251 + seed))
      return false;
  return true;
}

/* Every alignment with sizes around it: aligned, usable to the last byte, kept apart. */
static void check_alignments(const maker *m) {
  static const size_t sizes[] = {0, 1, 63, 64, 4097, 65535, 65536, 200000};
  for (size_t alignment = sizeof(void *); alignment <= GIB; alignment *= 2) {
    void *buffers[COUNT(sizes)];
    size_t used = alignment < 64 << 20 ? COUNT(sizes) : 3; /* glibc maps as much as the alignment */
    for (size_t i = 0; i < used; i++) {
      buffers[i] = hide(m->make(alignment, sizes[i]));
      CHECK(buffers[i], "%s(%zu, %zu)", m->name, alignment, sizes[i]);
      CHECK(is_aligned(buffers[i], alignment), "%s(%zu, %zu) = %p", m->name, alignment, sizes[i], buffers[i]);
      CHECK(malloc_usable_size(buffers[i]) >= sizes[i], "%s(%zu, %zu)", m->name, alignment, sizes[i]);
      fill(buffers[i], sizes[i], (unsigned)i);
      for (size_t j = 0; j < i; j++)
        CHECK(buffers[i] != buffers[j], "%s gave %p twice", m->name, buffers[i]);
    }
    for (size_t i = 0; i < used; i++) {
      CHECK(is_filled(buffers[i], sizes[i], (unsigned)i), "%s(%zu, %zu)", m->name, alignment, sizes[i]);
      free(buffers[i]);
    }
  }
}

/* POSIX: the error is the result; *out is untouched. errno is not its business: as it was, or the same. */
static void check_posix_memalign_errors(void) {
  int mark;
  for (size_t i = 0; i < COUNT(bad_alignments) + 2; i++) {
    static const size_t below_pointer[] = {2, 4}; /* powers of two, but no multiple of sizeof(void *) */
    size_t alignment =
        i < COUNT(bad_alignments) ? bad_alignments[i] : below_pointer[i - COUNT(bad_alignments)];
    void *out = &mark;
    errno = SENTINEL;
    int result = posix_memalign(&out, hide_size(alignment), 100);
    CHECK(result == EINVAL, "alignment %zu: %d", alignment, result);
    CHECK(out == &mark && errno == SENTINEL, "alignment %zu: errno %d", alignment, errno);
  }
  for (size_t i = 0; i < COUNT(huge_sizes); i++) {
    void *out = &mark;
    errno = SENTINEL;
    int result = posix_memalign(&out, 64, hide_size(huge_sizes[i]));
    CHECK(result == ENOMEM, "size %zu: %d", huge_sizes[i], result);
    CHECK(out == &mark && (errno == SENTINEL || errno == ENOMEM), "size %zu: errno %d", huge_sizes[i], errno);
  }
  void *out = NULL;
  errno = SENTINEL;
  CHECK(posix_memalign(&out, 64, 300000) == 0 && errno == SENTINEL, "errno %d", errno);
  free(out);
}

/* NULL and errno; a bad alignment is refused (C23), or rounded up to a power of two (older glibc). */
static void check_pointer_errors(const maker *m) {
  for (size_t i = 0; i < COUNT(huge_sizes); i++) {
    errno = SENTINEL;
    void *buffer = hide(m->make(64, hide_size(huge_sizes[i])));
    CHECK(!buffer && errno == ENOMEM, "%s size %zu: %p, errno %d", m->name, huge_sizes[i], buffer, errno);
  }
  for (size_t i = 0; i < COUNT(bad_alignments); i++) {
    size_t alignment = bad_alignments[i], rounded = 1;
    while (rounded < alignment)
      rounded *= 2;
    errno = SENTINEL;
    void *buffer = hide(m->make(hide_size(alignment), 100));
    CHECK(buffer ? is_aligned(buffer, rounded) : errno == EINVAL, "%s alignment %zu: errno %d", m->name,
          alignment, errno);
    free(buffer);
  }
  errno = SENTINEL;
  void *buffer = hide(m->make(hide_size(SIZE_MAX / 2 + 2), 1));
  CHECK(!buffer && (errno == EINVAL || errno == ENOMEM), "%s: errno %d", m->name, errno);
}

static void check_page_allocations(void) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    void *a = hide(valloc(sizes[i])), *b = hide(pvalloc(sizes[i]));
    size_t whole = (sizes[i] + page - 1) / page * page;
    CHECK(a && is_aligned(a, page) && malloc_usable_size(a) >= sizes[i], "valloc(%zu)", sizes[i]);
    CHECK(b && is_aligned(b, page) && malloc_usable_size(b) >= whole, "pvalloc(%zu)", sizes[i]);
    fill(b, whole, 1);
    fill(a, sizes[i], 2);
    CHECK(is_filled(b, whole, 1), "pvalloc(%zu)", sizes[i]);
    free(a);
    free(b);
  }
  for (size_t i = 0; i < COUNT(huge_sizes); i++) {
    errno = SENTINEL;
    CHECK(!hide(valloc(hide_size(huge_sizes[i]))) && errno == ENOMEM, "valloc(%zu)", huge_sizes[i]);
    errno = SENTINEL;
    CHECK(!hide(pvalloc(hide_size(huge_sizes[i]))) && errno == ENOMEM, "pvalloc(%zu)", huge_sizes[i]);
  }
}

/* realloc from each size to each: contents up to the smaller one, the alignment when it is ours. */
static void check_realloc_sizes(void) {
  static const size_t sizes[] = {1, 64, 1000, 4096, 20000, 65535, 65536, 65537, 70000, 1000000, 9000000};
  static const size_t alignments[] = {8, 64, 512, 4096, 65536, (size_t)2 << 20};
  for (size_t a = 0; a < COUNT(alignments); a++)
    for (size_t i = 0; i < COUNT(sizes); i++)
      for (size_t j = 0; j < COUNT(sizes); j++) {
        size_t from = sizes[i], to = sizes[j];
        char *buffer = hide(from_posix_memalign(alignments[a], from));
        fill(buffer, from, 7);
        errno = SENTINEL;
        char *resized = j % 2 ? hide(realloc(buffer, to)) : hide(reallocarray(buffer, to, 1));
        CHECK(resized && errno == SENTINEL, "%zu -> %zu: errno %d", from, to, errno);
        CHECK(is_filled(resized, from < to ? from : to, 7), "%zu -> %zu, alignment %zu", from, to,
              alignments[a]);
        CHECK(is_aligned(resized, ours ? alignments[a] : sizeof(void *)), "%zu -> %zu: %p, alignment %zu",
              from, to, (void *)resized, alignments[a]);
        CHECK(malloc_usable_size(resized) >= to, "%zu -> %zu", from, to);
        fill(resized, to, 8);
        free(resized);
      }
}

/* All bytes that malloc_usable_size promises belong to the program, and move with it. */
static void check_usable_size(void) {
  CHECK(malloc_usable_size(NULL) == 0, "of NULL");
  for (size_t size = 1; size < 300000; size = size * 3 + 1) {
    char *buffer = hide(from_posix_memalign(64, size));
    size_t usable = malloc_usable_size(buffer);
    fill(buffer, usable, 3);
    buffer = hide(realloc(buffer, usable * 2));
    CHECK(buffer && is_filled(buffer, usable, 3), "size %zu, usable %zu", size, usable);
    free(buffer);
  }
}

static void check_realloc_ends(void) {
  char *buffer = hide(realloc(NULL, 100)); /* as malloc */
  CHECK(buffer, "realloc(NULL, 100)");
  fill(buffer, 100, 1);
  buffer = hide(realloc(buffer, 100000)); /* the program's own stays its own */
  CHECK(buffer && is_filled(buffer, 100, 1), "malloc's own");
  free(buffer);
  buffer = hide(reallocarray(NULL, 10, 10));
  CHECK(buffer, "reallocarray(NULL, 10, 10)");
  free(buffer);
  static const size_t sizes[] = {100, 300000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    buffer = hide(from_posix_memalign(64, sizes[i]));
    free(hide(realloc(buffer, hide_size(0)))); /* freed: NULL, or a pointer to free */
    buffer = hide(from_posix_memalign(64, sizes[i]));
    free(hide(reallocarray(buffer, hide_size(0), 8)));
    buffer = hide(from_posix_memalign(64, sizes[i]));
    fill(buffer, sizes[i], 5);
    for (size_t j = 0; j < COUNT(huge_sizes); j++) { /* refused: the old buffer is as it was */
      errno = SENTINEL;
      CHECK(!realloc(hide(buffer), hide_size(huge_sizes[j])) && errno == ENOMEM, "errno %d", errno);
    }
    errno = SENTINEL;
    CHECK(!reallocarray(hide(buffer), hide_size(SIZE_MAX / 4), 8) && errno == ENOMEM, "overflow");
    errno = SENTINEL;
    CHECK(!reallocarray(hide(buffer), hide_size((size_t)1 << 32), hide_size((size_t)1 << 32)) &&
              errno == ENOMEM,
          "a product of 2^64");
    CHECK(is_filled(buffer, sizes[i], 5), "after failures, size %zu", sizes[i]);
    free(buffer);
  }
  errno = SENTINEL;
  CHECK(!hide(reallocarray(NULL, hide_size(SIZE_MAX / 4), 8)) && errno == ENOMEM, "of NULL");
}

static void check_free(void) {
  static const size_t sizes[] = {1, 100, 70000, 2000000, 200000000};
  errno = SENTINEL;
  free(NULL);
  for (size_t i = 0; i < COUNT(sizes); i++) {
    char *aligned = hide(from_posix_memalign(64, sizes[i])), *own = hide(malloc(sizes[i]));
    aligned[0] = own[0] = 1;
    errno = SENTINEL;
    free(aligned);
    CHECK(errno == SENTINEL, "free of %zu aligned bytes: errno %d", sizes[i], errno);
    free(own);
    CHECK(errno == SENTINEL, "free of %zu bytes: errno %d", sizes[i], errno);
  }
}

/* C23's, where somebody has them: of aligned and of ordinary pointers. */
static void check_sized_free(void) {
  void (*sized)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
  void (*aligned_sized)(void *, size_t, size_t) =
      (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
  bool preloaded = dlsym(RTLD_DEFAULT, "arrowpool_report") != NULL;
  CHECK(!preloaded || (sized && aligned_sized), "the shim has both");
  if (!sized || !aligned_sized)
    return;
  static const size_t sizes[] = {1, 100, 70000, 2000000};
  sized(NULL, 0);
  aligned_sized(NULL, 64, 0);
  for (size_t i = 0; i < COUNT(sizes); i++) {
    errno = SENTINEL;
    aligned_sized(hide(aligned_alloc(64, sizes[i])), 64, sizes[i]);
    aligned_sized(hide(aligned_alloc(65536, sizes[i])), 65536, sizes[i]);
    sized(hide(malloc(sizes[i])), sizes[i]);
    sized(hide(realloc(NULL, sizes[i])), sizes[i]);
    CHECK(errno == SENTINEL, "size %zu: errno %d", sizes[i], errno);
  }
}

int main(void) {
  const char *pool = getenv("ARROW_POOL");
  ours = dlsym(RTLD_DEFAULT, "arrowpool_report") && pool && strcmp(pool, "jemalloc") == 0;
  dlerror();
  for (size_t i = 0; i < COUNT(makers); i++) {
    check_alignments(&makers[i]);
    if (makers[i].make != from_posix_memalign)
      check_pointer_errors(&makers[i]);
  }
  check_posix_memalign_errors();
  check_page_allocations();
  check_realloc_sizes();
  check_usable_size();
  check_realloc_ends();
  check_free();
  check_sized_free();
  return probe_failures != 0;
}
