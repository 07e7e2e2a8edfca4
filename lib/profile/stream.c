/* Draws the points of stream.h. */
#include "profile/stream.h"

#include "base/clock.h"
#include "profile/exponential.h"

#include <sys/syscall.h>
#include <unistd.h>

__thread stream stream_own;
_Atomic int64_t stream_mean = STREAM_MEAN;

/* Returns the next number of SplitMix64. */
static uint64_t next_random(stream *s) {
  uint64_t z = s->random += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* Threads that begin at the same moment must not draw the same points. */
static uint64_t seed(void) {
  return ((uint64_t)clock_microseconds() << 24 ^ (uint64_t)syscall(SYS_gettid) << 1) | 1;
}

int64_t stream_draw(void) {
  stream *s = &stream_own;
  if (!s->random)
    s->random = seed();
  double uniform = (double)((next_random(s) >> 11) + 1) * 0x1p-53; /* above 0, at most 1 */
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
