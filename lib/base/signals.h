/* Our handlers use these for signals that are not for them. The functions are async-signal-safe and have no
 * state or locks; file_fault.c uses them where a file of ours lost its pages, and the shim for its dump on a
 * signal. */
#ifndef ARROWPOOL_BASE_SIGNALS_H
#define ARROWPOOL_BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Returns whether an instruction caused the signal, so that nobody sent it: the instruction is repeated when
 * the handler returns. */
bool signals_is_fault(int number, const siginfo_t *info);

/* Has the signal end the process as it would have without a handler: with its status, and a core of what was
 * interrupted. A handler calls this and returns. */
void signals_end(int number, siginfo_t *info);

#endif
