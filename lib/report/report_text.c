/* Writes the text report: one line on the process, then a table with a row for each pool. */
#include "report/report.h"

#include "base/presence.h"

#include <string.h>

/* Writes a cell. Cells of the table are right-aligned, the first one left-aligned; what fills its column
 * keeps a space before. */
static void cell(writer *w, const char *text, int width) {
  int pad = width - (int)strlen(text);
  for (pad = pad > 0 ? pad : 1; pad > 0; pad--)
    writer_text(w, " ");
  writer_text(w, text);
}

static void number_cell(writer *w, int64_t number, bool in_bytes, int width) {
  char text[24] = "?";
  if (number != ARROWPOOL_UNKNOWN)
    (in_bytes ? writer_format_size : writer_format_int)(text, number);
  cell(w, text, width);
}

/* The columns of the table: heading, width, statistic. */
#define COLUMNS(X)                                                                                           \
  X("live", 12, bytes_allocated)                                                                             \
  X("peak", 11, max_memory)                                                                                  \
  X("total", 11, total_bytes_allocated)                                                                      \
  X("allocs", 10, num_allocations)                                                                           \
  X("frees", 10, num_frees)                                                                                  \
  X("reallocs", 10, num_reallocations)                                                                       \
  X("in place", 10, reallocs_in_place)                                                                       \
  X("remapped", 10, reallocs_remapped)                                                                       \
  X("copied", 8, reallocs_copied)                                                                            \
  X("bytes stayed", 14, bytes_grown_in_place)                                                                \
  X("bytes copied", 14, bytes_copied)                                                                        \
  X("failed", 8, num_failed)

enum { FIELDS_OF_POOL(FIELDS_IN_BYTES) };

#define NAME_WIDTH     16
#define EXPLAINED_FROM (INT64_C(64) << 20) /* below so many resident bytes nobody asks where they are */

/* Returns the width of the column of names (columns on a terminal): the usual one, or what the longest needs.
 */
static int name_width(const report_subject *subject) {
  const pool_view *pool;
  int width = NAME_WIDTH;
  for (unsigned index = 0; (pool = report_next_pool(subject, &index)) != NULL;) {
    int columns = writer_columns(pool->name);
    width = columns > width ? columns : width;
  }
  return width;
}

static void left_cell(writer *w, const char *text, int width) {
  writer_printable(w, text);
  for (int pad = width - writer_columns(text); pad > 0; pad--)
    writer_text(w, " ");
}

static void heading(writer *w, int width_of_names) {
  left_cell(w, "pool", width_of_names);
#define X(title, width, field) cell(w, title, width);
  COLUMNS(X)
#undef X
  writer_text(w, "\n");
}

static void row(writer *w, const pool_view *pool, int width_of_names) {
  left_cell(w, pool->name, width_of_names);
#define X(title, width, field) number_cell(w, pool->stats.field, in_bytes_##field, width);
  COLUMNS(X)
#undef X
  writer_text(w, "\n");
}

/* Says whether this is a leak or something else: where resident memory is, when most of it is not live. */
static void explain_resident(writer *w, const snapshot_process *process, int64_t live) {
  if (process->rss_bytes < EXPLAINED_FROM || live > process->rss_bytes / 2)
    return;
  writer_print(w, "%s resident, %s live in these pools, %s idle: %s.\n", SIZE_TEXT(process->rss_bytes),
               SIZE_TEXT(live), SIZE_TEXT(process->idle_bytes),
               process->idle_bytes > process->rss_bytes / 2
                   ? "freed, and on its way back to the kernel"
                   : "the rest is the program's own, outside of these pools");
}

static void own_limit(writer *w, const pool_view *pool) {
  if (pool->stats.limit_bytes == ARROWPOOL_UNKNOWN)
    return;
  writer_text(w, "limit of ");
  writer_printable(w, pool->name);
  writer_print(w, ": %s\n", SIZE_TEXT(pool->stats.limit_bytes));
}

/* Writes what is or was live, the largest first. */
static void live_buffers(writer *w, const char *what, const pool_view *pool, int64_t bytes,
                         const int64_t *histogram) {
  if (bytes <= 0) /* it is nothing, or unknown */
    return;
  writer_text(w, what);
  writer_printable(w, pool->name);
  writer_print(w, ": %s", SIZE_TEXT(bytes));
  const char *separator = " in ";
  for (int i = ARROWPOOL_HISTOGRAM_BUCKETS - 1; i >= 0; i--) {
    if (!histogram[i])
      continue;
    writer_print(w, "%s%ld x %s+", separator, histogram[i], SIZE_TEXT(INT64_C(1) << i));
    separator = ", ";
  }
  writer_text(w, "\n");
}

static void at_the_end(writer *w, const pool_view *pool) {
  if (pool->end.bytes > pool->stats.bytes_allocated)
    live_buffers(w, "when Python began to end, live in ", pool, pool->end.bytes, pool->end.histogram);
  live_buffers(w, "still allocated in ", pool, pool->stats.bytes_allocated, pool->stats.live_histogram);
}

static void process_line(writer *w, const snapshot_process *process) {
  writer_text(w, "arrowpool " ARROWPOOL_VERSION ": ");
  writer_printable(w, *process->program ? process->program : "?");
  if (*process->job_name) {
    writer_text(w, " (");
    writer_printable(w, process->job_name);
    writer_text(w, ")");
  }
  writer_print(w, ", pid %ld, %s", process->pid, process->is_last_sign ? "last seen after " : "");
  if (process->time == ARROWPOOL_UNKNOWN)
    writer_text(w, "?");
  else
    writer_milliseconds(w, process->time - process->start_time);
  writer_print(w, " s, resident %s, peak %s, idle %s", SIZE_TEXT(process->rss_bytes),
               SIZE_TEXT(process->peak_rss_bytes), SIZE_TEXT(process->idle_bytes));
  if (process->limit_bytes != ARROWPOOL_UNKNOWN)
    writer_print(w, ", limit %s", SIZE_TEXT(process->limit_bytes));
  if (process->presence == PRESENCE_OF(ARROWPOOL_INSTALLED))
    writer_text(w, ", " PRESENCE_INSTALLED_TEXT);
  writer_text(w, "\n");
}

void report_text(writer *w, const report_subject *subject) {
  const pool_view *pool;
  int64_t live = 0;
  bool any = false;
  int width = name_width(subject);
  process_line(w, subject->process);
  for (unsigned index = 0; (pool = report_next_pool(subject, &index)) != NULL; any = true) {
    if (!any)
      heading(w, width);
    row(w, pool, width);
    live += pool->stats.bytes_allocated == ARROWPOOL_UNKNOWN ? 0 : pool->stats.bytes_allocated;
  }
  if (!any)
    writer_text(w, "no pool was used\n");
  else
    explain_resident(w, subject->process, live);
  for (unsigned index = 0; (pool = report_next_pool(subject, &index)) != NULL;)
    own_limit(w, pool);
  for (unsigned index = 0; (pool = report_next_pool(subject, &index)) != NULL;)
    at_the_end(w, pool);
}
