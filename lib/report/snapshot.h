/* A copy of what is known at one moment, for reports: the process here, the pools one by one. Reading is
 * async-signal-safe, except with `ask_jemalloc`, which takes jemalloc's locks. */
#ifndef ARROWPOOL_REPORT_SNAPSHOT_H
#define ARROWPOOL_REPORT_SNAPSHOT_H

#include "base/memory_kills.h"
#include "base/process_file.h"
#include "pool/pool_view.h"

#include <stddef.h>

typedef struct snapshot_process {
  int64_t pid;
  char program[PROGRAM_NAME_BYTES]; /* its name when it was started */
  char host[HOST_NAME_BYTES];
  char job_name[JOB_NAME_BYTES];                        /* what ARROW_POOL_NAME says; "": nothing */
  int64_t start_time;                                   /* milliseconds since the epoch */
  int64_t time;                                         /* likewise; ARROWPOOL_UNKNOWN where nobody knows */
  uint32_t presence;                                    /* as in base/presence.h */
  bool is_last_sign;                                    /* it is gone, and was last seen at that time */
#define X(name, unit, type, metric, help) int64_t name; /* ARROWPOOL_UNKNOWN where nobody knows */
  FIELDS_OF_PROCESS(X) FIELDS_OF_JEMALLOC(X)
#undef X
} snapshot_process;

void snapshot_read_process(bool ask_jemalloc, snapshot_process *out);

/* Sets the job's name, before anything is reported. */
void snapshot_set_job_name(const char *name);

/* What is resident of a process (bytes), was at most, and is of no file; ARROWPOOL_UNKNOWN where the kernel
 * does not tell. */
typedef struct snapshot_resident {
  int64_t now, most, anonymous;
} snapshot_resident;

/* Reads it alone, of this process. The caller sees to cancellation and errno. */
void snapshot_read_resident(snapshot_resident *out);

/* Looks for the process's control groups: from here on group_limit_bytes is known, and what the second one
 * returns. It is called once, at the start, with some kilobytes left on the stack. */
void snapshot_find_groups(void);
const memory_kills *snapshot_kills(void);

/* Returns idle bytes as far as they can be resident: what was freed may never have been written, or the
 * kernel may have taken its pages back. */
static inline int64_t snapshot_idle(int64_t idle, const snapshot_resident *resident) {
  int64_t most = resident->anonymous == ARROWPOOL_UNKNOWN ? resident->now : resident->anonymous;
  return most != ARROWPOOL_UNKNOWN && idle > most ? most : idle;
}

/* Returns whether there is a pool that was ever used. */
bool snapshot_has_pools(void);

/* Sets the start time to now, at start-up and in the child of a fork. */
void snapshot_mark_start(void);

#endif
