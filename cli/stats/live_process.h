/* What this system knows of the process that a live file is about. */
#ifndef ARROWPOOL_CLI_STATS_LIVE_PROCESS_H
#define ARROWPOOL_CLI_STATS_LIVE_PROCESS_H

#include "cli/stats/stats.h"
#include "report/live.h"

/* Returns whether it runs, as far as that can be told from here. */
stats_state live_process_state(live_header *header);

/* Returns whether the kernel is the one under which it ran. */
bool live_process_is_of_this_boot(const live_header *header);

/* Reads what is resident of process `pid`; of 0 nothing is known. */
void live_process_read_resident(int64_t pid, snapshot_resident *out);

#endif
