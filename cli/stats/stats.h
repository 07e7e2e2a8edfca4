/* The statistics of one process, wherever they come from: a dump or a live file. All commands that read
 * statistics work on this. */
#ifndef ARROWPOOL_FIGURES_H
#define ARROWPOOL_FIGURES_H

#include "arrowpool.h"
#include "counters/counters_fields.h"

#include <stdbool.h>

/* The 64-bit figures of a pool, in the order of reports; X(name, unit, help). */
#define FIGURES_FIELDS(X)                                                                                    \
  COUNTERS_FIELDS(X)                                                                                         \
  X(max_memory, bytes, "peak of the live bytes")                                                             \
  X(inherited_bytes, bytes, "live at the fork that made the process")                                        \
  X(limit_bytes, bytes, "most that may be live in the pool")

typedef struct figures_values {
#define X(name, unit, help) int64_t name;
  FIGURES_FIELDS(X)
#undef X
} figures_values;

typedef struct figures_pool {
  char name[72], backend[16], size_basis[16];
  figures_values values; /* ARROWPOOL_UNKNOWN: not known, null in a dump */
  int64_t size_histogram[ARROWPOOL_HISTOGRAM_BUCKETS], live_histogram[ARROWPOOL_HISTOGRAM_BUCKETS];
} figures_pool;

typedef enum figures_state {
  FIGURES_RUNNING,
  FIGURES_ENDED, /* in an orderly way; what a dump says */
  FIGURES_GONE, /* a live file whose process is not there any more, and did not say why: killed, or crashed */
  FIGURES_REPLACED, /* became another program by exec */
  FIGURES_UNKNOWN,  /* a live file of another host or PID namespace, where it may be running */
} figures_state;

typedef struct figures {
  figures_state state;
  int64_t pid;
  char program[64], host[65];
  char command[512];                 /* with spaces between the arguments; empty in a dump */
  int64_t start_time, time;          /* milliseconds since the epoch */
  int64_t rss_bytes, peak_rss_bytes; /* ARROWPOOL_UNKNOWN where nobody knows, as in what follows */
  int64_t warm_bytes;
  int64_t limit_bytes; /* over all pools */
  int64_t jemalloc_active_bytes, jemalloc_resident_bytes, jemalloc_metadata_bytes;
  bool from_live; /* of a live file */
  int64_t lost;   /* records that found no room in a live file: sums are too small */
  figures_pool *pools;
  size_t pool_count;
} figures;

/* Whatever a read function returns holds memory. */
void figures_free(figures *f);

/* "running", "ended", "gone", "replaced", "unknown". */
const char *figures_state_name(figures_state state);

/* Whether the pool was ever asked for memory: others are in no report. */
bool figures_pool_used(const figures_pool *p);

/* As the library's own formats take it (report.h): `process` and `f` have to stay while `subject` is used. */
struct snapshot_process;
struct report_subject;
void figures_describe(const figures *f, struct snapshot_process *process, struct report_subject *subject);

/* Print one process as `format` has it; false if stdout refuses. */
bool figures_print(const figures *f, arrowpool_format format);

/* Read a live file, whose process may be running and change it meanwhile, or write nonsense. NULL on success,
 * else what is wrong with the file, in words; nothing is held then. */
const char *figures_read_live(const char *path, figures *out);

/* Of a dump that was parsed (jansson's json_t). As figures_read_live. */
struct json_t;
const char *figures_from_json(const struct json_t *dump, figures *out);

/* Takes the figures, or moves them out: they are freed afterwards. */
typedef void (*figures_take)(void *context, figures *f);

/* Read a live file, a dump in json, or jsonl, in which each line is a dump: `take` gets one after the other.
 * NULL on success, else what is wrong first, in words; what can be read is taken nevertheless. */
const char *figures_read_each(const char *path, figures_take take, void *context);

/* As figures_read_each, but of jsonl the last line that can be read, and nothing is held on failure. */
const char *figures_read(const char *path, figures *out);

#endif
