/* The housekeeping thread: gives idle memory back although the program never calls us again.
 *
 * It starts when there is something to give back and ends when there is not. It blocks all signals, is gone
 * while the process forks, and does not keep alive a process whose main thread has ended. Never started where
 * there is nothing to wait for (decay 0 or never). */
#ifndef ARROWPOOL_KEEPER_H
#define ARROWPOOL_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

/* Does what is due; returns milliseconds until more is, or KEEPER_DONE. */
#define KEEPER_DONE INT64_MAX
typedef int64_t (*keeper_work)(void);

/* Have the work done from now on, until it is done. Cheap if the thread runs already. No lock may be held:
 * starting a thread calls the program's malloc. */
void keeper_wake(keeper_work work);

/* fork: end the thread before, and let it start again after, when it is woken next. True if there was one
 * or somebody wanted one: its work is left to the caller, who has to finish it, since nobody might wake it
 * again. */
bool keeper_pause(void);
void keeper_resume(bool in_child);

#endif
