/* Reports: pure formatters over a snapshot. They use no malloc and no stdio, and are async-signal-safe unless
 * jemalloc is asked. */
#ifndef ARROWPOOL_REPORT_REPORT_H
#define ARROWPOOL_REPORT_REPORT_H

#include "base/writer.h"
#include "report/snapshot.h"

typedef enum report_source {
  REPORT_SAFE,        /* nothing is asked that takes a lock */
  REPORT_ASK_JEMALLOC /* jemalloc is asked for its own figures too */
} report_source;

/* A report is made in this: some kilobytes. A dump has it elsewhere than on the stack, which may be a
 * signal's. */
typedef struct report_room {
  writer writer;
  snapshot_process process;
  pool_view pool;
} report_room;

/* Writes the report. Returns false if the callback refused. */
bool report_write(arrowpool_format format, report_source source, report_room *room, arrowpool_write_fn write,
                  void *context);

/* The formats, one file each, take any process whose pools `next` tells one by one, from *index on, which it
 * moves past the pool; NULL ends them. A pool is good until the next is asked for. They need nothing else, so
 * the command line has them too. */
typedef const pool_view *(*report_next)(void *context, unsigned *index);
typedef struct report_subject {
  const snapshot_process *process;
  report_next next;
  void *context;
} report_subject;

static inline const pool_view *report_next_pool(const report_subject *s, unsigned *index) {
  return s->next(s->context, index);
}

void report_text(writer *w, const report_subject *subject);
void report_json(writer *w, const report_subject *subject);
void report_prometheus(writer *w, const report_subject *subject);

static inline void report_write_as(arrowpool_format format, writer *w, const report_subject *subject) {
  (format == ARROWPOOL_FORMAT_TEXT   ? report_text
   : format == ARROWPOOL_FORMAT_JSON ? report_json
                                     : report_prometheus)(w, subject);
}

/* The families of that format, in its order, for who writes them of many processes: each is an int64_t of
 * snapshot_process or of arrowpool_stats. */
#define REPORT_PREFIX "arrowpool_"
typedef struct report_family {
  const char *name, *type, *help; /* the name is without its prefix */
  size_t offset;
  bool is_time; /* milliseconds, written as seconds */
} report_family;

enum {
#define X(name, unit, type, metric, help) REPORT_PROCESS_##name,
  FIELDS_OF_PROCESS(X)
#undef X
      REPORT_PROCESS_start_time,
  REPORT_PROCESS_FAMILIES
};
enum {
#define X(name, unit, type, metric, help) REPORT_POOL_##name,
  FIELDS_OF_POOL(X)
#undef X
      REPORT_POOL_FAMILIES
};
extern const report_family report_process_families[REPORT_PROCESS_FAMILIES];
extern const report_family report_pool_families[REPORT_POOL_FAMILIES];

/* Writes the two lines before a family's samples. */
void report_prometheus_head(writer *w, const char *prefix, const report_family *f);

/* Writes a label. `*separator` is "{" before the first one, and becomes ",". */
void report_label(writer *w, const char **separator, const char *name, const char *value);

static inline int64_t report_family_value(const report_family *f, const void *record) {
  return *(const int64_t *)(const void *)((const char *)record + f->offset);
}

#endif
