/* Watches for the most that is live at one time over several pools, for whoever measures a part of a program.
 *
 * Each pool's own peak says nothing of the peak of their sum. While somebody watches, what a shard publishes
 * is followed by a look at all pools that are watched; else by one load. It is lock-free. The peak is exact
 * where one thread allocates, else within COUNTERS_QUANTUM for each thread and pool. */
#ifndef ARROWPOOL_COUNTERS_COUNTERS_PEAK_H
#define ARROWPOOL_COUNTERS_COUNTERS_PEAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern atomic_bool counters_peak_watched;

/* Chooses whether a pool belongs to the sum; all do at first. */
void counters_peak_choose(unsigned pool, bool watched);

/* Notes what is live in all pools, after a shard of `pool` has published. `ahead` is how much more that shard
 * had before, 0 or more (bytes). */
void counters_peak_note(unsigned pool, int64_t ahead);

/* Returns the most since it was called last (bytes), ARROWPOOL_UNKNOWN if nobody watched; and watches from
 * now on as `watch` says. The caller has had its own events published (counters_publish_own). */
int64_t counters_peak_restart(bool watch);

#endif
