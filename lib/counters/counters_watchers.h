/* Who is told of what is counted: the watch for an interpreter's end (counters_end.c), signs of life
 * (counters_on_publish), and watches for a peak (counters_peak.h). */
#ifndef ARROWPOOL_COUNTERS_COUNTERS_WATCHERS_H
#define ARROWPOOL_COUNTERS_COUNTERS_WATCHERS_H

#include "counters/counters.h"
#include "counters/counters_peak.h"

/* A buffer is freed, by another way than the quick one. */
static inline void counters_tell_freed(void) {
  void (*ask)(void) = atomic_load_explicit(&counters_ask_for_end, memory_order_acquire);
  if (__builtin_expect(ask != NULL, 0))
    ask();
}

/* A shard has published a change. `ahead`: by how much more the shard was live since it published last
 * (bytes). */
static inline void counters_tell_published(unsigned pool, int64_t change, int64_t ahead) {
  counters_tell_freed();
  if (counters_on_publish)
    counters_on_publish(change);
  if (__builtin_expect(atomic_load_explicit(&counters_peak_watched, memory_order_relaxed), 0))
    counters_peak_note(pool, ahead);
}

#endif
