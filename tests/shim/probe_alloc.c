/* Conformance of the functions that allocate aligned memory: POSIX.1-2024, C23, the glibc manual. Passes with
 * plain glibc too, so where the documents leave a choice every choice is accepted.
 * Resizing is in probe_resize.c, freeing in probe_free.c, threads and the end of the process in probe_ends.c.
 */
#include "probe_libc.h"

#include <malloc.h>
#include <unistd.h>

#define GIB ((size_t)1 << 30)

typedef struct maker {
  const char *name;
  void *(*make)(size_t alignment, size_t size);
} maker;
static const size_t bad_alignments[] = {0, 3, 24, 100, ((size_t)1 << 20) + 8};
static const maker makers[] = {
    {"posix_memalign", from_posix_memalign}, {"aligned_alloc", aligned_alloc}, {"memalign", memalign}};

/* Every alignment with sizes around it: aligned, usable to the last byte, kept apart. */
static void check_alignments(const maker *m) {
  static const size_t sizes[] = {0, 1, 63, 64, 4097, 65535, 65536, 200000};
  for (size_t alignment = sizeof(void *); alignment <= GIB; alignment *= 2) {
    void *buffers[COUNT(sizes)];
    size_t used = alignment < 64 << 20 ? COUNT(sizes) : 3; /* glibc maps as much as the alignment */
    for (size_t i = 0; i < used; i++) {
      buffers[i] = hide(m->make(alignment, sizes[i]));
      CHECK(buffers[i], "%s(%zu, %zu)", m->name, alignment, sizes[i]);
      CHECK(is_aligned(buffers[i], alignment) || (sizes[i] == 0 && allowed(ALLOW_UNALIGNED_NOTHING)),
            "%s(%zu, %zu) = %p", m->name, alignment, sizes[i], buffers[i]);
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

static bool is_untouched(const void *out, const void *mark) {
  return out == mark || (!out && allowed(ALLOW_NULL_OUT));
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
    CHECK(is_untouched(out, &mark) && (errno == SENTINEL || errno == ENOMEM), "size %zu: errno %d",
          huge_sizes[i], errno);
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
    CHECK(!buffer && is_errno(ENOMEM), "%s size %zu: %p, errno %d", m->name, huge_sizes[i], buffer, errno);
  }
  for (size_t i = 0; i < COUNT(bad_alignments); i++) {
    size_t alignment = bad_alignments[i], rounded = 1;
    while (rounded < alignment)
      rounded *= 2;
    errno = SENTINEL;
    void *buffer = hide(m->make(hide_size(alignment), 100));
    CHECK(buffer ? is_aligned(buffer, rounded) || allowed(ALLOW_ODD_ALIGNMENTS) : is_errno(EINVAL),
          "%s alignment %zu: errno %d", m->name, alignment, errno);
    free(buffer);
  }
  errno = SENTINEL;
  void *buffer = hide(m->make(hide_size(SIZE_MAX / 2 + 2), 1));
  CHECK(!buffer && (errno == ENOMEM || is_errno(EINVAL)), "%s: errno %d", m->name, errno);
}

/* Alignments below what malloc gives anyhow, which posix_memalign refuses. */
static void check_small_alignments(const maker *m) {
  for (size_t alignment = 1; alignment < sizeof(void *); alignment *= 2)
    for (size_t size = 1; size < 100000; size = size * 5 + 1) {
      char *buffer = hide(m->make(hide_size(alignment), size));
      CHECK(buffer && is_aligned(buffer, alignment) && malloc_usable_size(buffer) >= size, "%s(%zu, %zu)",
            m->name, alignment, size);
      fill(buffer, size, 1);
      CHECK(is_filled(buffer, size, 1), "%s(%zu, %zu)", m->name, alignment, size);
      free(buffer);
    }
}

/* An alignment and a size that are fine each, and too large together. */
static void check_sums(void) {
  int mark;
  for (size_t alignment = GIB; alignment <= (size_t)1 << 62; alignment *= 2) {
    void *out = &mark;
    int result = posix_memalign(&out, hide_size(alignment), hide_size((size_t)PTRDIFF_MAX - 100));
    CHECK((result == ENOMEM || result == EINVAL) && is_untouched(out, &mark), "alignment %zu: %d", alignment,
          result);
  }
}

static void check_page_allocation(const char *name, void *(*make)(size_t), bool whole_pages) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    void *first = hide(make(sizes[i])), *second = hide(make(sizes[i]));
    size_t usable = whole_pages ? (sizes[i] + page - 1) / page * page : sizes[i];
    CHECK(first && second && first != second, "%s(%zu)", name, sizes[i]);
    CHECK((is_aligned(first, page) && is_aligned(second, page)) ||
              (sizes[i] == 0 && allowed(ALLOW_UNALIGNED_NOTHING)),
          "%s(%zu) = %p", name, sizes[i], first);
    CHECK(malloc_usable_size(first) >= usable, "%s(%zu)", name, sizes[i]);
    fill(first, usable, 1);
    fill(second, usable, 2);
    CHECK(is_filled(first, usable, 1), "%s(%zu)", name, sizes[i]);
    free(first);
    free(second);
  }
  for (size_t i = 0; i < COUNT(huge_sizes); i++) {
    errno = SENTINEL;
    void *buffer = hide(make(hide_size(huge_sizes[i])));
    CHECK(buffer ? whole_pages && huge_sizes[i] == SIZE_MAX && allowed(ALLOW_PVALLOC_WRAPS)
                 : is_errno(ENOMEM),
          "%s(%zu) = %p, errno %d", name, huge_sizes[i], buffer, errno);
    free(buffer);
  }
}

int main(int count, char **arguments) {
  probe_begin("alloc", count, arguments);
  for (size_t i = 0; i < COUNT(makers); i++) {
    check_alignments(&makers[i]);
    if (makers[i].make != from_posix_memalign) {
      check_small_alignments(&makers[i]);
      check_pointer_errors(&makers[i]);
    }
  }
  check_posix_memalign_errors();
  check_sums();
  check_page_allocation("valloc", valloc, false);
  if (ours || !allowed(ALLOW_NO_PVALLOC))
    check_page_allocation("pvalloc", pvalloc, true);
  return probe_end();
}
