/* Housekeeping: what has been idle for the decay time goes back to the kernel, from the keeper's thread.
 *
 * Large buffers leave idle pages in slots, small ones in jemalloc's arenas. The backend notes what it frees;
 * the thread is woken only when that adds up to something. No lock may be held. */
#ifndef ARROWPOOL_HOUSE_H
#define ARROWPOOL_HOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* decay: milliseconds, 0 or SLOTS_NEVER; return_small: has jemalloc return what is due, or all. Called once,
 * at start. */
void house_init(int64_t decay, void (*return_small)(bool all));

/* A large buffer was freed or trimmed; `size` bytes of a small block were freed. */
void house_note_large(void);
void house_small_step(void);

#define HOUSE_SMALL_STEP                                                                                     \
  ((size_t)1 << 20) /* a thread that freed so much in small blocks has left pages behind */
extern __thread size_t house_small_freed; /* bytes since */
static inline void house_note_small(size_t size) {
  if (__builtin_expect((house_small_freed += size) >= HOUSE_SMALL_STEP, 0))
    house_small_step();
}

/* As keeper_is_here and keeper_wake. */
bool house_is_here(void);
void house_wake(void);

/* No thread from here on, unless it returns: what is due goes back at the next free. */
void house_retire(void);
void house_return(void);

/* fork: as keeper_pause and keeper_resume. */
bool house_pause(void);
void house_resume(bool in_child);

#endif
