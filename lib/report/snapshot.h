/* A copy of what is known at one moment, for reports: the process here, the pools one by one. Reading is
 * async-signal-safe, except with `ask_jemalloc`, which takes jemalloc's locks. */
#ifndef ARROWPOOL_REPORT_SNAPSHOT_H
#define ARROWPOOL_REPORT_SNAPSHOT_H

#include "pool/pool_view.h"

#include <stddef.h>

typedef struct snapshot_process {
  int64_t pid;
  char program[PROGRAM_NAME_BYTES]; /* its name when it was started */
  char host[HOST_NAME_BYTES];
  char job_name[JOB_NAME_BYTES];                        /* what ARROW_POOL_NAME says; "": nothing */
  int64_t start_time, time;                             /* milliseconds since the epoch */
#define X(name, unit, type, metric, help) int64_t name; /* ARROWPOOL_UNKNOWN where nobody knows */
  FIELDS_OF_PROCESS(X) FIELDS_OF_JEMALLOC(X)
#undef X
} snapshot_process;

void snapshot_read_process(bool ask_jemalloc, snapshot_process *out);

/* Sets the job's name, before anything is reported. */
void snapshot_set_job_name(const char *name);

/* Returns whether there is a pool that was ever used. */
bool snapshot_has_pools(void);

/* Sets the start time to now, at start-up and in the child of a fork. */
void snapshot_mark_start(void);

#endif
