/* Draws the points of stream.h. */
#include "profile/stream.h"

#include "base/clock.h"
#include "base/random.h"
#include "profile/exponential.h"

__thread stream stream_own;
_Atomic int64_t stream_mean = STREAM_MEAN;

/* Threads that begin at the same moment must not draw the same points. The kernel is not asked: a process
 * that confines itself may not. */
static uint64_t seed(void) { return ((uint64_t)clock_microseconds() << 24 ^ (uintptr_t)&stream_own) | 1; }

int64_t stream_draw(void) {
  stream *s = &stream_own;
  if (!s->random)
    s->random = seed();
  double uniform = (double)((random_next(&s->random) >> 11) + 1) * 0x1p-53; /* above 0, at most 1 */
  return (int64_t)(exponential_draw(uniform) *
                   (double)atomic_load_explicit(&stream_mean, memory_order_relaxed)) +
         1;
}

uint64_t stream_small_wait(void) {
  stream *s = &stream_own;
  s->waits += s->waits < 2;
  return (uint64_t)stream_draw();
}

/* A thread that was there before the profile passes a point that nobody drew: jemalloc calls for both when it
 * finds that the thread does not wait yet. */
void stream_small_passed(void) { stream_own.small_hit = stream_own.waits > 1; }
