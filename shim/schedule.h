/* Dumps while the program runs: at intervals, from a thread of their own, and on a signal. */
#ifndef ARROWPOOL_SCHEDULE_H
#define ARROWPOOL_SCHEDULE_H

/* Begin, as the options say. Called once, when the shim starts. */
void schedule_start(void);

/* fork: the thread is gone meanwhile; both sides go on. */
void schedule_prefork(void);
void schedule_postfork_parent(void);
void schedule_postfork_child(void);

#endif
