/* Handles fork for the whole life of the process. */
#ifndef ARROWPOOL_FORK_H
#define ARROWPOOL_FORK_H

#include <signal.h>
#include <stdbool.h>

/* Registers our handlers, unless that is done. Handlers that others registered before may allocate in a fork
 * only where ours hold no lock then, so whoever can sees to it that these are the first. */
void fork_register(void);

/* Returns whether this is the process that started or was forked: not a child that vfork or clone made. */
bool fork_is_own_process(void);

/* Blocks all signals but those that a fault raises, and those that would end the process without a handler. A
 * handler that forked while a background thread's lock is held would wait for ever. */
void fork_hold_signals(sigset_t *before);

/* A guest stands on the library and has to be quiet as well: `prepare` is called before the library's locks
 * are taken, `parent` and `child` when they are free again. */
typedef struct fork_guest {
  void (*prepare)(void), (*parent)(void);
  void (*child)(bool alone); /* alone: there was one thread; the other two are not called */
} fork_guest;

/* Invites the guest, before a thread can fork. */
void fork_invite(const fork_guest *guest);

#endif
