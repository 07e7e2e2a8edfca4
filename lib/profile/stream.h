/* Each thread's stream of allocated bytes, on which points are drawn at random, `mean` bytes apart on average
 * (exponential distances, so what came before says nothing about what comes). A buffer in whose bytes a point
 * lies is sampled. */
#ifndef ARROWPOOL_PROFILE_STREAM_H
#define ARROWPOOL_PROFILE_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct stream {
  uint64_t random;                    /* the generator's state; 0: the stream has not begun */
  int64_t left;                       /* bytes to the next point */
  bool busy;                          /* a sample is being taken: what is allocated meanwhile has no points */
  bool small_hit;                     /* a point lies in the small block that is being served */
  uint8_t waits;                      /* how often the small blocks' next point was drawn: 0, 1, or more */
  uint32_t thread, thread_generation; /* its number in PROFILE_THREADS, and of which file (store.h) */
  uint32_t origin; /* the stack of Python that gave the task that the thread works on; 0: none */
} stream;

extern __thread stream stream_own __attribute__((visibility("hidden")));

/* The mean distance in force (bytes), and the one where none is wanted. */
extern _Atomic int64_t stream_mean;
#define STREAM_MEAN (INT64_C(512) << 10)

/* Draws where the calling thread's next point lies (bytes from here, above 0). */
int64_t stream_draw(void);

/* Moves the stream on by bytes that a buffer is given. Returns whether a point lies in them. */
static inline bool stream_pass(int64_t bytes) {
  stream *s = &stream_own;
  if (__builtin_expect(s->busy, 0))
    return false;
  if (__builtin_expect(!s->random, 0))
    s->left = stream_draw();
  s->left -= bytes;
  if (__builtin_expect(s->left > 0, 1))
    return false;
  s->left = stream_draw(); /* from the end of the buffer on */
  return true;
}

/* What jemalloc's thread caches go by, for small blocks that are served without a call: bytes to the next
 * point, and that it was passed. */
uint64_t stream_small_wait(void);
void stream_small_passed(void);

/* Returns whether a point was passed since it was asked last, by what was just served. The points of this
 * stream count for small blocks only: where something else passed one, the answer is dropped. */
static inline bool stream_small_taken(void) {
  bool hit = stream_own.small_hit && !stream_own.busy;
  stream_own.small_hit = false;
  return hit;
}

#endif
