/* Lets each task of Arrow's threads know by whom it was given.
 *
 * Every task for a thread pool of Arrow's goes through one virtual function,
 * arrow::internal::ThreadPool::SpawnReal. A function of ours takes its place in the table of that class, and
 * puts the task into an object of ours. While the task runs, or is destroyed, its thread has an origin: a
 * number that stands for the giver, and means something to the caller of this module only. A task that gives
 * others passes its origin on.
 *
 * Where anything of a libarrow is not as it is known to be, it stays as it is. */
#ifndef ARROWPOOL_ARROW_TASKS_H
#define ARROWPOOL_ARROW_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#define ARROW_TASKS_LIBRARIES 8 /* libarrows of one process that can be patched */

/* What the caller of this module provides. All of them are called in threads of the program's, inside no
 * allocation, and must neither throw nor give a task. */
typedef struct arrow_tasks_callbacks {
  /* Returns the origin of what the calling thread does by itself; 0: none is known. It is called by the giver
   * of a task, before that is queued. */
  uint32_t (*origin_here)(void);
  /* Returns where the calling thread's origin is: always the same address in one thread; 0 is in it while the
   * thread works on no task. */
  uint32_t *(*current)(void);
  /* Counts a task that was given; `told`: it has an origin. */
  void (*given)(bool told);
} arrow_tasks_callbacks;

/* Patches the libarrow that the handle (of dlopen's) leads to. Returns NULL on success, also if that is done
 * already; else a reason for the user. The library is never unloaded from then on.
 *
 * `callbacks` stay the caller's and last as long as the process; they are those of the first call for all
 * libraries. Thread-safe. It takes the loader's lock, so no lock may be held that somebody waits for who
 * holds that. */
const char *arrow_tasks_patch(void *library, const arrow_tasks_callbacks *callbacks);

/* A fork calls these: no patch may be half done in the child. */
void arrow_tasks_prefork(void);
void arrow_tasks_postfork(void);

#endif
