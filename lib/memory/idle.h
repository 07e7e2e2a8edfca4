/* What large memory is live, what is idle, and how much may be idle at most.
 *
 * Idle memory was freed, and stays resident for the decay time, to be used again without a page fault. Slots
 * and packed extents tell of theirs here; each then gives pages back until the sum is within the bound. All
 * functions are lock-free and async-signal-safe. */
#ifndef ARROWPOOL_MEMORY_IDLE_H
#define ARROWPOOL_MEMORY_IDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A live buffer's tail below 1/16 of it is left alone: it would come back soon. */
#define IDLE_SETTLED_SHARE 16

/* Sets the decay time (ms; 0 and INT64_MAX as slots_policy has them) and what the pages of one buffer may be
 * rounded up by (bytes). */
void idle_init(int64_t decay, size_t rounding);

/* Returns whether what is freed may stay at all. */
bool idle_is_kept(void);

/* What has been idle for IDLE_LAZILY_AFTER (ms) is given back lazily: it stays until the kernel is short of
 * memory or the decay time is over, so that keeping it gets nobody killed. Returns that time; INT64_MAX where
 * nothing is: the decay time is no more than twice as long, has no limit, or idle_allow_lazily forbade it. */
#define IDLE_LAZILY_AFTER ((int64_t)100)
int64_t idle_lazily_after(void);
void idle_allow_lazily(bool allowed);

/* Notes a change of what is live and of what is idle (bytes). */
void idle_note(ptrdiff_t live, ptrdiff_t idle);

/* Returns the bytes that are idle and may be resident. */
size_t idle_bytes(void);

/* Returns the most that may be idle (bytes): what was live at the highest point of the last one to two decay
 * times, a quarter of that and the rounding of two buffers. */
size_t idle_most(void);

/* Returns whether so many bytes more may be idle without what was freed: 1/16 of what is live, and the
 * rounding of two buffers. */
bool idle_has_room(size_t bytes);

/* Keeps a copy of idle_bytes here from now on, which may be a moment behind. */
void idle_publish(_Atomic int64_t *copy);

#endif
