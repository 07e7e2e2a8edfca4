/* Conformance of realloc, reallocarray and malloc_usable_size on aligned memory and on the program's own:
 * POSIX.1-2024, C23, the glibc manual. See probe_alloc.c. */
#include "probe_libc.h"

#include <malloc.h>

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
  errno = SENTINEL;
  CHECK(malloc_usable_size(NULL) == 0 && errno == SENTINEL, "of NULL: errno %d", errno);
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
      CHECK(!realloc(hide(buffer), hide_size(huge_sizes[j])) && is_errno(ENOMEM), "errno %d", errno);
    }
    errno = SENTINEL;
    CHECK(!reallocarray(hide(buffer), hide_size(SIZE_MAX / 4), 8) && is_errno(ENOMEM), "overflow");
    errno = SENTINEL;
    CHECK(!reallocarray(hide(buffer), hide_size((size_t)1 << 32), hide_size((size_t)1 << 32)) &&
              is_errno(ENOMEM),
          "a product of 2^64");
    CHECK(is_filled(buffer, sizes[i], 5), "after failures, size %zu", sizes[i]);
    free(buffer);
  }
  errno = SENTINEL;
  CHECK(!hide(reallocarray(NULL, hide_size(SIZE_MAX / 4), 8)) && is_errno(ENOMEM), "of NULL");
}

/* One buffer through many sizes, up and down, over every border between kinds of blocks. */
static void check_realloc_chain(size_t alignment) {
  size_t size = 1;
  char *buffer = hide(from_posix_memalign(alignment, size));
  fill(buffer, size, 9);
  for (unsigned step = 0; step < 400; step++) {
    size_t wanted = (size_t)1 << (step * 7 % 24), kept = size < (wanted += step) ? size : wanted;
    buffer = hide(step % 3 ? realloc(buffer, wanted) : reallocarray(buffer, wanted, 1));
    CHECK(buffer && is_filled(buffer, kept < 4096 ? kept : 4096, 9), "step %u: %zu -> %zu", step, size,
          wanted);
    CHECK(is_aligned(buffer, ours ? alignment : sizeof(void *)), "step %u: %p", step, (void *)buffer);
    size = wanted;
    fill(buffer, size, 9);
  }
  free(buffer);
}

/* What comes from any of the functions may be resized and freed, whoever else made its neighbour. */
static void check_cross_use(void) {
  static const size_t sizes[] = {24, 5000, 70000, 3000000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    size_t size = sizes[i];
    void *buffers[] = {
        malloc(size),         calloc(1, size), from_posix_memalign(64, size), aligned_alloc(8, size),
        memalign(4096, size), valloc(size),    realloc(NULL, size),           reallocarray(NULL, 1, size)};
    for (size_t j = 0; j < COUNT(buffers); j++)
      fill(hide(buffers[j]), size, (unsigned)j);
    for (size_t j = 0; j < COUNT(buffers); j++)
      buffers[j] = hide(realloc(hide(buffers[j]), size * 3));
    for (size_t j = 0; j < COUNT(buffers); j++) {
      CHECK(buffers[j] && is_filled(buffers[j], size, (unsigned)j), "kind %zu, size %zu", j, size);
      free(buffers[j]);
    }
  }
}

int main(int count, char **arguments) {
  probe_begin("resize", count, arguments);
  check_realloc_sizes();
  check_usable_size();
  check_realloc_ends();
  check_realloc_chain(64);
  check_realloc_chain(8192);
  check_cross_use();
  return probe_end();
}
