/* What happens while the program runs, whatever it does: dumps at intervals and on a signal, and signs of
 * life for the files that others read. One thread does it, and a signal. */
#ifndef ARROWPOOL_SHIM_DUMP_SCHEDULE_H
#define ARROWPOOL_SHIM_DUMP_SCHEDULE_H

#include <stdbool.h>

/* Begins, as the options say. It is called once, when the shim starts. */
void schedule_start(void);

/* Returns whether there is a thread of this process's. */
bool schedule_is_here(void);

/* Retire ends the thread, until return. */
void schedule_retire(void);
void schedule_return(void);

/* A fork calls these: the thread is gone meanwhile, and both sides go on. */
void schedule_prefork(void);
void schedule_postfork_parent(void);
void schedule_postfork_child(void);

#endif
