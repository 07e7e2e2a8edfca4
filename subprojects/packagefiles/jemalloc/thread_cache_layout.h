/* How jemalloc keeps a thread's cache of small blocks, for the library that embeds it: its own fast path takes blocks
 * from the bins and puts them back, as jemalloc's inlined functions do (cache_bin.h, thread_event.h there).  src/tsd.c
 * asserts that jemalloc has it so.
 */
#ifndef THREAD_CACHE_LAYOUT_H
#define THREAD_CACHE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

/* The largest block that the fast paths serve (bytes). */
#define THREAD_CACHE_MOST ((size_t)32 << 10)

/*
 * A stack that grows down.  `head` points to the block to be taken next; of the other positions the low bits are kept,
 * of which only equality matters.
 */
typedef struct thread_cache_bin {
	void **head;
	uint64_t requests; /* blocks taken */
	uint16_t low_water; /* `head` at the least that was cached since the last collection */
	uint16_t full, empty; /* `head` if so */
} thread_cache_bin;

/*
 * The sums of bytes that a thread ever took and gave; at a threshold jemalloc has work to do.  The thresholds are 0
 * while there is no cache: before the thread's first allocation and once it is ending.
 */
typedef struct thread_cache {
	uint64_t allocated, allocated_threshold;
	uint64_t deallocated, deallocated_threshold;
	void *slow;
	thread_cache_bin bins[];
} thread_cache;

#endif
