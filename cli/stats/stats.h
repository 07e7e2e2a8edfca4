/* The statistics of one process, wherever they come from: a dump or a live file. All commands that read
 * statistics work on this. */
#ifndef ARROWPOOL_CLI_STATS_STATS_H
#define ARROWPOOL_CLI_STATS_STATS_H

#include "arrowpool.h"
#include "counters/counters_fields.h"

#include <stdbool.h>

/* The 64-bit figures of a pool, in the order of reports; X(name, unit, help). */
#define STATS_FIELDS(X)                                                                                      \
  COUNTERS_FIELDS(X)                                                                                         \
  X(max_memory, bytes, "peak of the live bytes")                                                             \
  X(inherited_bytes, bytes, "live at the fork that made the process")                                        \
  X(limit_bytes, bytes, "most that may be live in the pool")

typedef struct stats_values {
#define X(name, unit, help) int64_t name;
  STATS_FIELDS(X)
#undef X
} stats_values;

typedef struct stats_pool {
  char name[72], backend[16], size_basis[16];
  stats_values values; /* ARROWPOOL_UNKNOWN: not known, null in a dump */
  int64_t size_histogram[ARROWPOOL_HISTOGRAM_BUCKETS], live_histogram[ARROWPOOL_HISTOGRAM_BUCKETS];
} stats_pool;

typedef enum stats_state {
  STATS_RUNNING,
  STATS_ENDED, /* in an orderly way; what a dump says */
  STATS_GONE,  /* a live file whose process is not there any more, and did not say why: killed, or crashed */
  STATS_REPLACED, /* became another program by exec */
  STATS_UNKNOWN,  /* a live file of another host or PID namespace, where it may be running */
} stats_state;

typedef struct stats {
  stats_state state;
  int64_t pid;
  char program[64], host[65];
  char command[512];                 /* with spaces between the arguments; empty in a dump */
  int64_t start_time, time;          /* milliseconds since the epoch */
  int64_t rss_bytes, peak_rss_bytes; /* ARROWPOOL_UNKNOWN where nobody knows, as in what follows */
  int64_t idle_bytes;
  int64_t limit_bytes; /* over all pools */
  int64_t jemalloc_active_bytes, jemalloc_resident_bytes, jemalloc_metadata_bytes;
  bool from_live; /* of a live file */
  int64_t lost;   /* records that found no room in a live file: sums are too small */
  stats_pool *pools;
  size_t pool_count;
} stats;

/* Whatever a read function returns holds memory. */
void stats_free(stats *f);

/* "running", "ended", "gone", "replaced", "unknown". */
const char *stats_state_name(stats_state state);

/* Whether the pool was ever asked for memory: others are in no report. */
bool stats_pool_used(const stats_pool *p);

/* As the library's own formats take it (report.h): `process` and `f` have to stay while `subject` is used. */
struct snapshot_process;
struct report_subject;
void stats_describe(const stats *f, struct snapshot_process *process, struct report_subject *subject);

/* Print one process as `format` has it; false if stdout refuses. */
bool stats_print(const stats *f, arrowpool_format format);

/* Read a live file, whose process may be running and change it meanwhile, or write nonsense. NULL on success,
 * else what is wrong with the file, in words; nothing is held then. */
const char *stats_read_live(const char *path, stats *out);

/* Of a dump that was parsed (jansson's json_t). As stats_read_live. */
struct json_t;
const char *stats_from_json(const struct json_t *dump, stats *out);

/* Takes the figures, or moves them out: they are freed afterwards. */
typedef void (*stats_take)(void *context, stats *f);

/* Read a live file, a dump in json, or jsonl, in which each line is a dump: `take` gets one after the other.
 * NULL on success, else what is wrong first, in words; what can be read is taken nevertheless. */
const char *stats_read_each(const char *path, stats_take take, void *context);

/* As stats_read_each, but of jsonl the last line that can be read, and nothing is held on failure. */
const char *stats_read(const char *path, stats *out);

#endif
