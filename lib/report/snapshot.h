/* A copy of what is known at one moment, for reports: the process here, the pools one by one.
 * Async-signal-safe, except with SNAPSHOT_ASK_JEMALLOC, which takes jemalloc's locks. */
#ifndef ARROWPOOL_REPORT_SNAPSHOT_H
#define ARROWPOOL_REPORT_SNAPSHOT_H

#include "pool/pool.h"

typedef struct snapshot_process {
  int64_t pid;
  char program[64]; /* its name when it was started */
  char host[65];
  int64_t start_time, time;          /* milliseconds since the epoch */
  int64_t rss_bytes, peak_rss_bytes; /* ARROWPOOL_UNKNOWN without /proc */
  int64_t idle_bytes;  /* freed, kept for the next buffer; still resident as far as they were written */
  int64_t limit_bytes; /* over all pools; ARROWPOOL_UNKNOWN: none */
  bool has_jemalloc;   /* whether `jemalloc` holds figures */
  backend_jemalloc_stats jemalloc;
} snapshot_process;

typedef pool_view snapshot_pool;

void snapshot_read_process(bool ask_jemalloc, snapshot_process *out);

/* Whether there is a pool that was ever used. */
bool snapshot_has_pools(void);

/* The next pool that was ever used, from table index *index on, which is moved past it. False: no more. */
bool snapshot_next_pool(unsigned *index, snapshot_pool *out);

/* What a file of the kernel's begins with, without a newline at its end; the length (bytes). */
size_t snapshot_read_file(const char *path, char *out, size_t size);

/* Milliseconds since the epoch. */
int64_t snapshot_time(void);

/* When the process was started, as field 22 of /proc/self/stat has it (clock ticks since boot). */
int64_t snapshot_start_ticks(void);

/* Set the start time to now: for start-up and the child of a fork. */
void snapshot_mark_start(void);

#endif
