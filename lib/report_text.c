/* The text report: one line on the process, then a table with a row for each pool. */
#include "report.h"

#include <string.h>

/* Cells of the table are right-aligned, the first one left-aligned. */
static void cell(writer *w, const char *text, size_t length, int width) {
  for (int pad = width - (int)length; pad > 0; pad--)
    writer_text(w, " ");
  writer_bytes(w, text, length);
}

static void size_cell(writer *w, int64_t size, int width) {
  char text[24];
  if (size == ARROWPOOL_UNKNOWN)
    cell(w, "?", 1, width);
  else
    cell(w, text, writer_format_size(text, size), width);
}

static void count_cell(writer *w, int64_t count, int width) {
  char text[24];
  if (count == ARROWPOOL_UNKNOWN)
    cell(w, "?", 1, width);
  else
    cell(w, text, writer_format_int(text, count), width);
}

/* The columns: heading, width, statistic. */
#define COLUMNS(X)                                                                                           \
  X("live", 12, size_cell, bytes_allocated)                                                                  \
  X("peak", 11, size_cell, max_memory)                                                                       \
  X("total", 11, size_cell, total_bytes_allocated)                                                           \
  X("allocs", 10, count_cell, num_allocations)                                                               \
  X("frees", 10, count_cell, num_frees)                                                                      \
  X("reallocs", 10, count_cell, num_reallocations)                                                           \
  X("in place", 10, count_cell, reallocs_in_place)                                                           \
  X("remapped", 10, count_cell, reallocs_remapped)                                                           \
  X("copied", 8, count_cell, reallocs_copied)                                                                \
  X("bytes stayed", 14, size_cell, bytes_grown_in_place)                                                     \
  X("bytes copied", 14, size_cell, bytes_copied)                                                             \
  X("failed", 8, count_cell, num_failed)

#define NAME_WIDTH 16

static void left_cell(writer *w, const char *text) {
  writer_text(w, text);
  cell(w, "", 0, NAME_WIDTH - (int)strlen(text));
}

static void heading(writer *w) {
  left_cell(w, "pool");
#define X(title, width, cell_of, field) cell(w, title, sizeof title - 1, width);
  COLUMNS(X)
#undef X
  writer_text(w, "\n");
}

static void row(writer *w, const snapshot_pool *pool) {
  left_cell(w, pool->name);
#define X(title, width, cell_of, field) cell_of(w, pool->stats.field, width);
  COLUMNS(X)
#undef X
  writer_text(w, "\n");
}

void report_text(writer *w, const snapshot_process *process) {
  writer_text(w, "arrowpool " ARROWPOOL_VERSION ": ");
  writer_text(w, process->program);
  writer_text(w, ", pid ");
  writer_int(w, process->pid);
  writer_text(w, ", ");
  writer_milliseconds(w, process->time - process->start_time);
  writer_text(w, " s, resident");
  writer_text(w, " ");
  size_cell(w, process->rss_bytes, 0);
  writer_text(w, ", peak");
  writer_text(w, " ");
  size_cell(w, process->peak_rss_bytes, 0);
  writer_text(w, ", warm ");
  size_cell(w, process->warm_bytes, 0);
  writer_text(w, "\n");
  snapshot_pool pool;
  bool any = false;
  for (unsigned index = 0; snapshot_next_pool(&index, &pool); any = true) {
    if (!any)
      heading(w);
    row(w, &pool);
  }
  if (!any)
    writer_text(w, "no pool was used\n");
}
