/* Has Arrow's threads know by whom their tasks were given (arrow/tasks.h), in every libarrow of the process:
 * as soon as one makes its first thread pool, which is before its first task. */
#ifndef ARROWPOOL_SHIM_TASKS_H
#define ARROWPOOL_SHIM_TASKS_H

#include "arrow/tasks.h"

#include <stdatomic.h>
#include <stddef.h>

extern _Atomic(const arrow_tasks_callbacks *) tasks_callbacks; /* NULL: nothing is patched */

/* Watches the tasks from now on; those of a libarrow that is already in use, from the next time on that its
 * pools are asked for. It is called once: while the shim starts, or when no lock is held that somebody
 * waits for who has the loader's. The callbacks last as long as the process. Where a libarrow cannot be
 * patched, the user is told once. */
void tasks_watch(const arrow_tasks_callbacks *callbacks);

/* Looks whether the address lies in a libarrow that is to be patched. It takes the loader's lock unless the
 * address was a libarrow's before. It keeps errno. */
void tasks_look_at(const void *address);

/* Hooks call this with an address in the library that called or defines them. */
static inline void tasks_found(const void *address) {
  if (__builtin_expect(atomic_load_explicit(&tasks_callbacks, memory_order_acquire) != NULL, 0))
    tasks_look_at(address);
}

#endif
