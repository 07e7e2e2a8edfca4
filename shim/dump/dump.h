/* Writes the statistics dump of this process: at whichever exit comes first, and in between where it is asked
 * for. */
#ifndef ARROWPOOL_SHIM_DUMP_DUMP_H
#define ARROWPOOL_SHIM_DUMP_DUMP_H

#include "report/report.h"

/* Remembers where the dump goes, relative to the working directory at the start. It is called once, when the
 * shim starts. */
void dump_prepare(void);

/* Writes the dump, unless it was written, or is off, or nothing was used, or this is not the process that
 * started: the child of a vfork shares our memory and must not touch it. */
void dump_at_exit(report_source source);

/* Writes it now and goes on; it is skipped while another is under way. It is async-signal-safe with
 * REPORT_SAFE. */
void dump_now(report_source source);

/* Tells the child of a fork that its own dump is still to come. */
void dump_fork_child(void);

#endif
