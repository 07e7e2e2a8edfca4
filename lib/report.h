/* Reports: pure formatters over a snapshot. No malloc, no stdio; async-signal-safe unless jemalloc is asked.
 */
#ifndef ARROWPOOL_REPORT_H
#define ARROWPOOL_REPORT_H

#include "snapshot.h"
#include "writer.h"

typedef enum report_source {
  REPORT_SAFE,        /* nothing that takes a lock */
  REPORT_ASK_JEMALLOC /* jemalloc's own figures too */
} report_source;

/* False if the callback refused. */
bool report_write(arrowpool_format format, report_source source, arrowpool_write_fn write, void *context);

/* The formats, one file each. */
void report_text(writer *w, const snapshot_process *process);
void report_json(writer *w, const snapshot_process *process);
void report_prometheus(writer *w, const snapshot_process *process);

#endif
