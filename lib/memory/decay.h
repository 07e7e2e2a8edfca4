/* Housekeeping: what has been idle for the decay time goes back to the kernel, from a background thread.
 *
 * Large buffers leave idle pages in slots, small ones in jemalloc's arenas. The backend notes what it frees;
 * the thread is woken only when that adds up to something. No lock may be held. */
#ifndef ARROWPOOL_MEMORY_DECAY_H
#define ARROWPOOL_MEMORY_DECAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* decay: milliseconds, 0 or SLOTS_NEVER; return_small: has jemalloc return what is due, or all. Called once,
 * at start. */
void decay_init(int64_t decay, void (*return_small)(bool all));

/* A large buffer was freed or trimmed; `size` bytes of a small block were freed. */
void decay_note_large(void);
void decay_small_step(void);

#define DECAY_SMALL_STEP                                                                                     \
  ((size_t)1 << 20) /* a thread that freed so much in small blocks has left pages behind */
extern __thread size_t decay_small_freed; /* bytes since */
static inline void decay_note_small(size_t size) {
  if (__builtin_expect((decay_small_freed += size) >= DECAY_SMALL_STEP, 0))
    decay_small_step();
}

/* As background_thread_is_here and background_thread_wake. */
bool decay_is_here(void);
void decay_wake(void);

/* No thread from here on, unless it returns: what is due goes back at the next free. */
void decay_retire(void);
void decay_return(void);

/* fork: as background_thread_pause and background_thread_resume. */
bool decay_pause(void);
void decay_resume(bool in_child);

#endif
