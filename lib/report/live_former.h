/* What was counted before there was a live file, in a process that began one while its pools were in use:
 * those shards stay where they are, with their threads, and are copied into the file at each sign of life. */
#ifndef ARROWPOOL_REPORT_LIVE_FORMER_H
#define ARROWPOOL_REPORT_LIVE_FORMER_H

#include "counters/counters_area.h"

/* Finds them, and has `take_shard` give each a place in the file, which no thread counts in. The caller holds
 * LOCK_SHARDS. Returns how many found no place. */
unsigned live_former_find(const area_shard *first, area_shard *(*take_shard)(void));

/* Copies them into the file, whose shards begin at `first`. It takes no lock; whoever does so at the same
 * time writes the same, but for events in between, which the next time has. */
void live_former_copy(area_shard *first);

/* Forgets them, in a child that has no file any more. */
void live_former_forget(void);

#endif
