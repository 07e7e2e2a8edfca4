/* Conformance of free, free_sized and free_aligned_sized: POSIX.1-2024 (errno stays), C23. See probe_alloc.c.
 */
#include "probe_libc.h"

#include <pthread.h>

static void check_free(void) {
  static const size_t sizes[] = {1, 100, 70000, 2000000, 200000000};
  errno = SENTINEL;
  free(NULL);
  CHECK(errno == SENTINEL, "free(NULL): errno %d", errno);
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
    aligned_sized(hide(from_posix_memalign(64, sizes[i])), 64, sizes[i]);
    sized(hide(malloc(sizes[i])), sizes[i]);
    sized(hide(calloc(1, sizes[i])), sizes[i]);
    sized(hide(realloc(NULL, sizes[i])), sizes[i]);
    CHECK(errno == SENTINEL, "size %zu: errno %d", sizes[i], errno);
  }
}

/* Blocks made by one thread, resized by another, freed by a third. */
#define BLOCKS 200
static char *blocks[BLOCKS];

static void *resize_blocks(void *unused) {
  for (size_t i = 0; i < BLOCKS; i++)
    blocks[i] = realloc(blocks[i], i * 3000 + 100);
  return unused;
}

static void *free_blocks(void *unused) {
  for (size_t i = 0; i < BLOCKS; i++) {
    size_t size = i * 1000 + 1;
    CHECK(blocks[i] && is_filled(blocks[i], size < i * 3000 + 100 ? size : i * 3000 + 100, 4), "block %zu",
          i);
    errno = SENTINEL;
    free(blocks[i]);
    CHECK(errno == SENTINEL, "block %zu: errno %d", i, errno);
  }
  return unused;
}

static void check_other_threads(void) {
  void *(*const bodies[])(void *) = {resize_blocks, free_blocks};
  for (size_t i = 0; i < BLOCKS; i++) {
    blocks[i] = hide(from_posix_memalign(64, i * 1000 + 1));
    fill(blocks[i], i * 1000 + 1, 4);
  }
  for (size_t i = 0; i < COUNT(bodies); i++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, bodies[i], NULL) == 0 && pthread_join(thread, NULL) == 0,
          "thread %zu", i);
  }
}

int main(int count, char **arguments) {
  probe_begin("free", count, arguments);
  check_free();
  check_sized_free();
  check_other_threads();
  return probe_end();
}
