/* Finds misuse of buffers: what was written behind a buffer's end, and what is freed twice, with a wrong size
 * or alignment, or to a pool that never handed it out.
 *
 * A guarded pool allocates from a backend that stands before its own and adds GUARD_SIZE known bytes behind
 * each buffer; what was asked for is in a table (guard_table.h). A buffer leaves the table before it is freed
 * or resized, so of two threads that free it one is told. No lock is held while a finding is told. Pool calls
 * it, and hooks that have to know whose a buffer was. While there is no mode, nothing of this is in use. */
#ifndef ARROWPOOL_POOL_GUARD_H
#define ARROWPOOL_POOL_GUARD_H

#include "memory/backend.h"
#include "pool/guard_table.h"

#define GUARD_SIZE 64 /* bytes */

extern arrowpool_debug guard_mode; /* it is constant once a pool was used */

/* Tells one line, without "arrowpool: " and without its end. NULL: the line goes to stderr. */
typedef void (*guard_tell)(const char *line);

/* Starts it, before any pool was used. */
void guard_start(arrowpool_debug mode, guard_tell tell);

/* Guarded pools have these backends; guard_over gives the one that stands before `b`, which may be one
 * already. Their free needs no size, and their usable_size is what was asked for. */
extern const backend guard_jemalloc, guard_system;
const backend *guard_over(const backend *b);

/* Notes that the pool handed the buffer out. */
void guard_enter(const guard_buffer *b);

/* Says what a pool is asked to free or to resize. */
typedef struct guard_call {
  const char *act; /* "free" or "reallocate" */
  const char *pool;
  const backend *backend;
  void *address;
  int64_t size, alignment; /* as told; size -1 and alignment 0: they were not told */
} guard_call;

/* Returns true if `out` is the buffer as it was asked for, which counts as freed from here on; what was wrong
 * with it is told. Returns false if it was freed before, or is not the pool's, which is told too; `out` is
 * the live buffer of another pool, or none. */
bool guard_withdraw(const guard_call *call, guard_buffer *out);

/* Returns whether there is a live buffer at the address. */
bool guard_is_live(const void *address);

/* Returns the name of the pool that the live or lately freed buffer at the address is of; NULL: there is
 * none.
 */
const char *guard_pool_of(const void *address);

/* Returns whether the address is that of a live or lately freed buffer of a pool whose callers tell sizes,
 * which nobody else can have handed out. */
bool guard_look_up(const void *address);
static inline bool guard_has_told(const void *address) {
  return guard_mode != ARROWPOOL_DEBUG_OFF && guard_look_up(address);
}

/* Tells what was written behind the end of buffers that are live, once for each time. */
void guard_check_live(void);

#endif
