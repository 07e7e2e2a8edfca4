/* Writes one-line messages to stderr, by write(2) only: "arrowpool: ...". It is async-signal-safe.
 *
 * Descriptor 2 is stderr only while it is what it was when the process started, or a log: one that was closed
 * is soon some file of the program's own, and not to be written to. */
#ifndef ARROWPOOL_SHIM_LOG_H
#define ARROWPOOL_SHIM_LOG_H

#include "base/pieces.h"

#include <stdbool.h>
#include <stddef.h>

/* Remembers what descriptor 2 is. It is called once, before the first message. */
void log_start(void);

/* Returns whether descriptor 2 is still that, or a log: a device, or a file that is only appended to. */
bool log_has_stderr(void);

/* Writes a whole line, with its beginning and its end, as it is. */
void log_whole(const char *line, size_t size);

/* Writes the pieces (base/pieces.h) as one line. */
void log_line(const char *const pieces[], size_t count);

#endif
