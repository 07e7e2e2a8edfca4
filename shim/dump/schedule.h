/* Dumps while the program runs: at intervals, from a thread of their own, and on a signal. */
#ifndef ARROWPOOL_SHIM_DUMP_SCHEDULE_H
#define ARROWPOOL_SHIM_DUMP_SCHEDULE_H

#include <stdbool.h>

/* Begin, as the options say. Called once, when the shim starts. */
void schedule_start(void);

/* Whether there is a thread of this process's. */
bool schedule_is_here(void);

/* No dumps at intervals from here on, unless it returns. */
void schedule_retire(void);
void schedule_return(void);

/* fork: the thread is gone meanwhile; both sides go on. */
void schedule_prefork(void);
void schedule_postfork_parent(void);
void schedule_postfork_child(void);

#endif
