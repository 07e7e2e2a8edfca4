/* What is known of the end of a process that did not say how it ended. */
#ifndef ARROWPOOL_CLI_STATS_LAST_SEEN_H
#define ARROWPOOL_CLI_STATS_LAST_SEEN_H

#include "base/writer.h"
#include "cli/stats/stats.h"

/* Writes when it was last seen, what was resident then, and whether the kernel killed it for lack of memory;
 * what cannot be known is said to be so. Nothing is written of a process that is not gone. */
void last_seen_write(writer *w, const stats *f);

#endif
