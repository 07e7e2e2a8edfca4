/* What handlers of ours do with signals that are not for them. Async-signal-safe, without state or locks;
 * used where a live file lost its pages (live_fault.c), and by the shim's dump on a signal. */
#ifndef ARROWPOOL_BASE_SIGNALS_H
#define ARROWPOOL_BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Whether an instruction caused it, which is repeated when the handler returns: nobody sent it. */
bool signals_is_fault(int number, const siginfo_t *info);

/* Have it end the process as it would have without a handler: with its status, and a core of what was
 * interrupted. For handlers, which return then. */
void signals_end(int number, siginfo_t *info);

#endif
