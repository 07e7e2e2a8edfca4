/* Knows which processes a report has seen, so that each counts once although several files tell of it: an
 * entry has 32 bytes for each process image, and 8 to 16 of an index that finds it. The figures that count
 * are a live file's, which holds the last instruction, then those of the newest dump.
 *
 * Files are read once if the first figures seen of each process are the ones that count. If not, all is added
 * up anew by reading once more, now that it is known which ones count: processes_again. */
#ifndef ARROWPOOL_CLI_STATS_PROCESSES_H
#define ARROWPOOL_CLI_STATS_PROCESSES_H

#include "cli/base/hash_index.h"
#include "cli/stats/stats.h"

typedef struct processes {
  hash_index entries; /* they are as they came */
  bool settled;       /* files are read again: entries say which figures count */
} processes;

typedef enum processes_verdict {
  PROCESSES_COUNT,    /* add these figures */
  PROCESSES_SKIP,     /* others of that process count */
  PROCESSES_SUPERSEDE /* these count, and others of that process have been added already */
} processes_verdict;

/* Judges the figures. `p` begins with all zero. Ends the program if there is no memory. */
processes_verdict processes_judge(processes *p, const stats *f);

/* Has the files read again, from the first one on. */
void processes_again(processes *p);

void processes_free(processes *p);

/* Returns whether both are of the same process image: it has one host, process number and start time. */
bool processes_same(const snapshot_process *a, const snapshot_process *b);

/* Returns whether `a` counts rather than `b`, which is of the same process. */
bool processes_newer(const stats *a, const stats *b);

#endif
