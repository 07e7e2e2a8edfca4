/* Threads allocate, resize and free at random, with large alignments too, and leave some buffers live. Prints
 * the live bytes, which the shim's dump has to match. Contents are checked, and alignments after a realloc
 * when the first argument is "ours". */
#include "probe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define BUFFERS 48
#define ROUNDS  8000

static atomic_long live_bytes, misaligned, damaged;
static int ours;

typedef struct held {
  char *bytes;
  size_t size, alignment;
  char mark;
} held;

/* The first and the last byte stand for all. */
static void mark(held *h, char value) {
  h->mark = value;
  h->bytes[0] = h->bytes[h->size - 1] = value;
}

static void make(held *h, size_t size, unsigned choice) {
  h->size = size;
  h->alignment = (size_t)64 << choice % 15; /* to 1 MiB */
  if (posix_memalign((void **)&h->bytes, h->alignment, size))
    abort();
  misaligned += !is_aligned(h->bytes, h->alignment);
}

static void resize(held *h, size_t size) {
  char *resized = realloc(h->bytes, size);
  if (!resized)
    abort();
  damaged += resized[0] != h->mark;
  misaligned += ours && !is_aligned(resized, h->alignment);
  h->bytes = resized;
  h->size = size;
}

static void *body(void *number) {
  unsigned seed = (unsigned)(uintptr_t)number;
  held table[BUFFERS] = {0};
  for (int i = 0; i < ROUNDS; i++) {
    held *h = &table[rand_r(&seed) % BUFFERS];
    size_t size = (size_t)rand_r(&seed) % (rand_r(&seed) % 4 ? 600000 : 5000) + 1;
    if (!h->bytes) {
      make(h, size, (unsigned)rand_r(&seed));
    } else {
      damaged += h->bytes[0] != h->mark || h->bytes[h->size - 1] != h->mark;
      if (rand_r(&seed) % 2) {
        resize(h, size);
      } else {
        free(h->bytes);
        h->bytes = NULL;
        continue;
      }
    }
    mark(h, (char)i);
  }
  for (int i = 0; i < BUFFERS; i++)
    live_bytes += table[i].bytes ? (long)table[i].size : 0;
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  ours = argc > 1 && strcmp(argv[1], "ours") == 0;
  for (uintptr_t i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, body, (void *)(i + 1)))
      return 1;
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  CHECK(damaged == 0, "%ld buffers changed", damaged);
  CHECK(misaligned == 0, "%ld buffers are not aligned", misaligned);
  printf("%ld\n", live_bytes);
  return probe_failures != 0;
}
