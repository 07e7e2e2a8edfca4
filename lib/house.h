/* Housekeeping: what has been idle for the decay time goes back to the kernel, from the keeper's thread.
 *
 * Large buffers leave idle pages in slots, small ones in jemalloc's arenas. The backend notes what it frees;
 * the thread is woken only when that adds up to something. No lock may be held. */
#ifndef ARROWPOOL_HOUSE_H
#define ARROWPOOL_HOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* decay: milliseconds, 0 or SLOTS_NEVER; decay_arenas: has jemalloc return what is due. Called once, at
 * start. */
void house_init(int64_t decay, void (*decay_arenas)(void));

/* A large buffer was freed or trimmed; `size` bytes of a small block were freed. */
void house_note_large(void);
void house_note_small(size_t size);

/* fork: as keeper_pause and keeper_resume. */
bool house_pause(void);
void house_resume(void);

#endif
