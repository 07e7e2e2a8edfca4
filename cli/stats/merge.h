/* The figures of many processes, added up by pool, job, host, program or process. Each group takes what it
 * needs for its sums, and 8 bytes for each of its processes, from which the percentiles follow.
 *
 * A sum of which a part is not known is not known; what is known of it is a bound from below. */
#ifndef ARROWPOOL_CLI_STATS_MERGE_H
#define ARROWPOOL_CLI_STATS_MERGE_H

#include "base/writer.h"
#include "cli/base/hash_index.h"
#include "cli/stats/stats.h"

/* These bits say by what to add up. */
enum { MERGE_POOL = 1, MERGE_NAME = 2, MERGE_HOST = 4, MERGE_PROGRAM = 8, MERGE_PROCESS = 16 };

/* Parses KEY,... and adds the bits of `allowed` keys. Returns false if there is another word, or none. */
bool merge_parse_by(const char *text, unsigned allowed, unsigned *by);

typedef struct merge_sum {
  int64_t known; /* the sum of the parts that are known */
  uint32_t parts, unknown;
} merge_sum;

/* This is reported of a group, as in fields.h. The sum of peaks is max_memory_sum, the last sum; what comes
 * after it follows from the peaks. */
#define MERGE_FIELDS(X)                                                                                      \
  X(processes, calls, gauge, "processes", "Processes that are counted here.")                                \
  FIELDS_DERIVED(X)                                                                                          \
  FIELDS_STORED(X)                                                                                           \
  X(inherited_bytes, bytes, gauge, "inherited_bytes", "Bytes live at the forks that made the processes.")    \
  X(max_memory_sum, bytes, gauge, NULL, "Sum of the processes' peaks.")                                      \
  X(max_memory_highest, bytes, gauge, "highest_max_memory_bytes", "Highest of the processes' peaks.")        \
  X(max_memory_p50, bytes, gauge, NULL, "Median of the processes' peaks.")                                   \
  X(max_memory_p90, bytes, gauge, NULL, "90th percentile of the processes' peaks.")                          \
  X(max_memory_p99, bytes, gauge, NULL, "99th percentile of the processes' peaks.")

typedef enum merge_field {
#define X(name, unit, type, metric, help) MERGE_##name,
  MERGE_FIELDS(X)
#undef X
      MERGE_FIELD_COUNT,
  MERGE_SUM_COUNT = MERGE_max_memory_sum + 1
} merge_field;

/* They are the names in the json report. */
extern const char *const merge_field_names[MERGE_FIELD_COUNT];

typedef struct merge_group {
  char pool[POOL_NAME_BYTES], name[JOB_NAME_BYTES], host[HOST_NAME_BYTES],
      program[PROGRAM_NAME_BYTES]; /* empty if not of the key; a job without a name has "" */
  int64_t pid, start_time;
  int64_t states[STATS_STATES]; /* processes by stats_state */
  merge_sum sums[MERGE_SUM_COUNT];
  int64_t *peaks; /* one for each process; merge_finish sorts them */
  size_t peak_count, peak_room;
  uint64_t latest; /* number of the process that was added last */
} merge_group;

typedef struct merge {
  unsigned by; /* bits of MERGE_... */
  uint64_t processes;
  int64_t states[STATS_STATES], lost;
  merge_sum peak_rss;
  int64_t highest_rss;
  hash_index groups; /* merge_group, by its key; once they are sorted none is found any more */
} merge;

static inline const merge_group *merge_group_at(const merge *m, size_t i) {
  return (const merge_group *)m->groups.entries + i;
}

/* Adds a process. `m` begins with all zero but `by`. Ends the program if there is no memory. */
void merge_add(merge *m, const stats *f);

/* Sorts by a field (MERGE_FIELD_COUNT: by name): what is known only in part by that part, what is unknown
 * last. No more can be added then. */
void merge_finish(merge *m, merge_field sort);

/* They return a field after merge_finish; or ARROWPOOL_UNKNOWN, and then `at_least` is what is known of it,
 * or ARROWPOOL_UNKNOWN. */
int64_t merge_value(const merge_group *g, merge_field field, int64_t *at_least);
int64_t merge_sum_value(const merge_sum *sum, int64_t *at_least);

/* Forgets everything but `by`. */
void merge_clear(merge *m);

/* A report prints the first `top` groups; `files` were read, and `damaged` ones were not. */
typedef struct merge_report {
  const merge *merge;
  size_t files, damaged, top;
  void (*write_held)(writer *, const void *held); /* json: writes what lines hold, as a value; NULL: null */
  const void *held;
} merge_report;

void merge_write_text(writer *w, const merge_report *r);
void merge_write_json(writer *w, const merge_report *r);
void merge_write_jsonl(writer *w, const merge_report *r);
void merge_write_prometheus(writer *w, const merge_report *r);

#endif
