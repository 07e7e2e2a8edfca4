/* The statistics of one process, wherever they come from: a dump or a live file. All commands that read
 * statistics work on this. */
#ifndef ARROWPOOL_CLI_STATS_STATS_H
#define ARROWPOOL_CLI_STATS_STATS_H

#include "report/report.h"

#include <stdbool.h>

typedef enum stats_state {
  STATS_RUNNING,
  STATS_ENDED,    /* it ended in an orderly way; a dump says so */
  STATS_GONE,     /* a live file's process is not there any more, and did not say why: killed, or crashed */
  STATS_REPLACED, /* it became another program by exec */
  STATS_UNKNOWN,  /* a live file is of another host or PID namespace, where it may be running */
} stats_state;
enum { STATS_STATES = STATS_UNKNOWN + 1 };

typedef struct stats {
  stats_state state;
  snapshot_process process;
  char command[COMMAND_BYTES]; /* it has spaces between the arguments; empty in a dump */
  bool from_live;              /* they come from a live file */
  int64_t lost;                /* records that found no room in a live file: sums are too small */
  int64_t anonymous_bytes;     /* of a process that is gone: what of the resident memory was of no file */
  int64_t kills_since;   /* of a process that is gone: how many the kernel has killed for lack of memory since
                            the last sign of life, in its control group; else ARROWPOOL_UNKNOWN */
  bool kills_of_machine; /* they are those of the whole machine */
  pool_view *pools;
  size_t pool_count;
} stats;

/* Frees the memory that whatever a read function returns holds. */
void stats_free(stats *f);

/* Returns "running", "ended", "gone", "replaced" or "unknown". */
const char *stats_state_name(stats_state state);

/* Returns whether the pool was ever asked for memory: others are in no report. */
bool stats_pool_used(const pool_view *p);

/* Returns the sum of what is known of the two; ARROWPOOL_UNKNOWN if nothing is. A made-up file can hold
 * anything, so it never overflows. */
static inline int64_t stats_sum_known(int64_t a, int64_t b) {
  int64_t together;
  if (a == ARROWPOOL_UNKNOWN || b == ARROWPOOL_UNKNOWN)
    return a == ARROWPOOL_UNKNOWN ? b : a;
  return __builtin_add_overflow(a, b, &together) ? INT64_MAX : together;
}

/* Returns what the library's own formats take; `f` has to stay while that is used. */
report_subject stats_subject(const stats *f);

/* A writer's callback (base/writer.h). */
int stats_write_to_stdout(void *context, const char *text, size_t size);

/* Prints one process as `format` has it. Returns false if stdout refuses. */
bool stats_print(const stats *f, arrowpool_format format);

/* Reads a live file, whose process may be running and change it meanwhile, or write nonsense. Returns NULL on
 * success, else what is wrong with the file, in words; nothing is held then. */
const char *stats_read_live(const char *path, stats *out);

/* Reads a dump that jansson has parsed (its json_t), and returns as stats_read_live does. */
struct json_t;
const char *stats_from_json(const struct json_t *dump, stats *out);

/* Takes the figures, or moves them out: they are freed afterwards. */
typedef void (*stats_take)(void *context, stats *f);

/* Reads a live file, a dump in json, or jsonl, in which each line is a dump: `take` gets one after the other.
 * Returns NULL on success, else what is wrong first, in words; what can be read is taken nevertheless. */
const char *stats_read_each(const char *path, stats_take take, void *context);

/* Reads likewise, but of jsonl the last line that can be read, and nothing is held on failure. */
const char *stats_read(const char *path, stats *out);

#endif
