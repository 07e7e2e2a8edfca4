/* Counters of the pools, sharded by thread: counting is a few plain stores to memory that no other thread
 * writes.
 *
 * Each thread owns one block with a shard for every pool it used. A reader sums over the shards: the sums are
 * exact at rest, and what only grows never seems to shrink. A thread that ends leaves its block, sums
 * included, to the next new thread; one that still allocates after that shares a block with atomic adds. The
 * peak is kept globally and fed whenever a shard's unpublished bytes pass COUNTERS_QUANTUM, or at each event
 * where a limit needs it. The counters know nothing of pools but their number. */
#ifndef ARROWPOOL_COUNTERS_COUNTERS_H
#define ARROWPOOL_COUNTERS_COUNTERS_H

#include "arrowpool.h"
#include "counters/fields.h"

#include <stdatomic.h>
#include <stdbool.h>

#define COUNTERS_QUANTUM ((int64_t)256 << 10) /* bytes */

/* Returns how far the highest of a shard is ahead of what it published: never more than that. A reader may
 * see one of the two before the shard reported, and the other after. */
static inline int64_t counters_ahead(int64_t highest, int64_t published) {
  int64_t ahead;
  bool fits = !__builtin_sub_overflow(highest, published, &ahead);
  return fits && ahead < COUNTERS_QUANTUM ? ahead : highest < published ? INT64_MIN / 2 : COUNTERS_QUANTUM;
}

/* Returns the live bytes that a reader has added up, as far as they can be true: while events happen a free
 * may be seen before its allocation, or an allocation and not the free before it. `most` is the pool's peak
 * and a quantum for each shard, which the truth never exceeds. */
static inline int64_t counters_plausible(int64_t live, int64_t most) {
  live = live < most ? live : most;
  return live > 0 ? live : 0;
}

/* The place of a pool's shard among those of a thread (base/thread_own.h). */
#define COUNTERS_PLACE(pool) ((pool) + 1)

/* Each counts one event of pool number `pool`. Sizes are bytes above 0. */
void counters_allocated(unsigned pool, int64_t size);
void counters_freed(unsigned pool, int64_t size);
typedef enum counters_kind { COUNTERS_IN_PLACE, COUNTERS_REMAPPED, COUNTERS_COPIED } counters_kind;
void counters_reallocated(unsigned pool, int64_t old_size, int64_t new_size, counters_kind kind);

/* The same, of events whose change of live bytes the caller charges to the pool's limit itself (limits.h). */
void counters_allocated_charged(unsigned pool, int64_t size);
void counters_freed_charged(unsigned pool, int64_t size);
void counters_reallocated_charged(unsigned pool, int64_t old_size, int64_t new_size, counters_kind kind);

void counters_failed(unsigned pool);
void counters_fell_back(unsigned pool);

/* Has each event of the pool published from now on, so that the peak is exact with any number of threads:
 * never more than was live at one moment. It costs an atomic addition or two an event. Events that are not
 * charged by whoever has them counted are charged here, whatever the limit says. It is called once a pool. */
void counters_be_exact(unsigned pool);

/* Charges what is live already, after counters_be_exact. Where other threads use the pool all of them have
 * passed a barrier in between (base/barrier.h), and the quick way of small blocks is closed: an event that
 * was on it then is charged with its thread's next one. */
void counters_charge(unsigned pool);

/* Has the calling thread's events published, so that whoever reads the pools' figures misses none of them. */
void counters_publish_own(void);

/* Sums up a pool; `limit_bytes`, of which nothing is known here, is ARROWPOOL_UNKNOWN. It is lock-free and
 * async-signal-safe, with next to nothing on the stack. */
void counters_read(unsigned pool, arrowpool_stats *out);

/* Returns whether anything happened in the pool since it began, or in the child of a fork, since that; or
 * whether it inherited bytes. It is safe likewise. */
bool counters_is_used(unsigned pool);

/* The same figures over the whole history of the process and of those it was forked from, as a program sees
 * them that asks its allocator. Reading is lock-free and async-signal-safe. */
typedef struct counters_history {
  int64_t bytes_allocated, max_memory, total_bytes_allocated; /* bytes */
  int64_t num_allocations;
} counters_history;
void counters_read_history(unsigned pool, counters_history *out);

/* Returns whether every buffer of the pool was freed; exact even while threads free and reallocate, as long
 * as nobody allocates. */
bool counters_all_freed(unsigned pool);

/* Is called after a thread's first event in a pool, with no lock held; NULL calls nobody. */
extern void (*counters_on_new_shard)(void);

/* Is called once, after the first event of all in the process, likewise, with the pool's number. */
extern void (*_Atomic counters_on_first_event)(unsigned pool);

/* The end of the program's interpreter: it frees what the program's variables hold, also where that is a
 * leak, before any report of the process's end is written. So what is live is kept when it begins to.
 *
 * Has the function asked from now on whether it has begun: the interpreter's own. It is asked at frees that
 * do not take the quick way, and where pools publish; blocks of the quick way that went before that (of up to
 * COUNTERS_QUANTUM a thread) are not counted in. */
void counters_watch_end(int (*is_ending)(void));
bool counters_watches_end(void);
extern void (*_Atomic counters_ask_for_end)(void); /* NULL: nobody watches */

/* Notes the end, if it has begun and was not noted. It is async-signal-safe, and needs a kilobyte. */
void counters_look_for_end(void);

typedef struct counters_end {
  int64_t bytes; /* ARROWPOOL_UNKNOWN: it has not begun, or there is none */
  int64_t histogram[ARROWPOOL_HISTOGRAM_BUCKETS];
} counters_end;
void counters_read_end(unsigned pool, counters_end *out);

/* Is called where a pool publishes a change of its live bytes (bytes): once for COUNTERS_QUANTUM of them, or
 * at each event where a limit needs it, in the middle of that event. NULL calls nobody. */
extern void (*counters_on_publish)(int64_t change);

/* Records the pool's name and what serves it, for whoever reads a live file (counters_area.h). */
void counters_label(unsigned pool, const char *name, const char *backend, bool counts_requested,
                    bool sees_all, int64_t limit_bytes);

/* Forgets a pool's history, for a number that is given to another pool. No thread may be counting for it. */
void counters_reset(unsigned pool);

/* A fork calls these, the first two with all locks held. In the child, which is single-threaded, sums start
 * at zero, and what is live stays live. */
void counters_prefork(void);
void counters_postfork_parent(void);
void counters_fork_child(void);

/* Has all threads look for their shards anew. No other thread is counting. */
void counters_forget_shards(void);

#endif
