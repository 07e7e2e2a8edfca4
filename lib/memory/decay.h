/* Housekeeping: a background thread gives pages back to the kernel that have been idle for the decay time.
 *
 * Large buffers leave idle pages in slots, small ones in jemalloc's arenas. The backend notes what it frees,
 * and the thread is woken only when that adds up to something. When it looks, and memory has become short
 * (pressure.h), all idle pages go at once. Callers hold no lock. */
#ifndef ARROWPOOL_MEMORY_DECAY_H
#define ARROWPOOL_MEMORY_DECAY_H

#include "base/thread_own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is asked of jemalloc: to return lazily what was not used since it was last asked to, what is due, or
 * all. */
typedef enum decay_share { DECAY_LAZILY, DECAY_DUE, DECAY_ALL } decay_share;

/* Sets the decay time (milliseconds, 0 or SLOTS_NEVER) and the function that asks jemalloc. The backend calls
 * this once, at start. */
void decay_init(int64_t decay, void (*return_small)(decay_share share));

/* The backend calls the first when a large buffer was freed or trimmed, and decay_note_small when jemalloc
 * took small blocks back from the thread's cache: what stays in there leaves no pages behind. `freed` is all
 * that the thread has ever freed in small blocks (bytes). */
void decay_note_large(void);
void decay_small_step(void);

#define DECAY_SMALL_STEP                                                                                     \
  ((size_t)1 << 20) /* a thread that freed so much in small blocks has left pages behind */
static inline void decay_note_small(uint64_t freed) {
  if (__builtin_expect(freed - thread_own_data.small_noted < DECAY_SMALL_STEP, 1))
    return;
  thread_own_data.small_noted = freed;
  decay_small_step();
}

/* These are background_thread_is_here and background_thread_wake for the housekeeping thread. */
bool decay_is_here(void);
void decay_wake(void);

/* Retire ends the thread until return: meanwhile the next free returns what is due. */
void decay_retire(void);
void decay_return(void);

/* A fork calls these; they are background_thread_pause and background_thread_resume. */
bool decay_pause(void);
void decay_resume(bool in_child);

#endif
