/* A copy of what is known at one moment, for reports: the process here, the pools one by one. Reading is
 * async-signal-safe, except with `ask_jemalloc`, which takes jemalloc's locks. */
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

/* Returns whether there is a pool that was ever used. */
bool snapshot_has_pools(void);

/* Reads the next pool that was ever used, from table index *index on, which it moves past the pool. Returns
 * false if there is no more. */
bool snapshot_next_pool(unsigned *index, snapshot_pool *out);

/* Reads what a file of the kernel's begins with, without a newline at its end; returns the length (bytes). */
size_t snapshot_read_file(const char *path, char *out, size_t size);

/* Returns milliseconds since the epoch. */
int64_t snapshot_time(void);

/* Returns when the process was started, as field 22 of /proc/self/stat has it (clock ticks since boot). */
int64_t snapshot_start_ticks(void);

/* Sets the start time to now, at start-up and in the child of a fork. */
void snapshot_mark_start(void);

#endif
