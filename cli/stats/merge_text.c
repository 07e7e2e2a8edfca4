/* Writes the text report of many processes: two lines on all of them, then a table, a row for each group. */
#include "cli/stats/merge.h"

#include <string.h>

/* A column has a heading, a width, and a field. */
#define COLUMNS(X)                                                                                           \
  X("processes", 11, processes)                                                                              \
  X("live", 12, bytes_allocated)                                                                             \
  X("peak sum", 12, max_memory_sum)                                                                          \
  X("highest", 12, max_memory_highest)                                                                       \
  X("p50", 11, max_memory_p50)                                                                               \
  X("p90", 11, max_memory_p90)                                                                               \
  X("p99", 11, max_memory_p99)                                                                               \
  X("total", 12, total_bytes_allocated)                                                                      \
  X("allocs", 10, num_allocations)                                                                           \
  X("reallocs", 10, num_reallocations)                                                                       \
  X("in place", 10, reallocs_in_place)                                                                       \
  X("remapped", 10, reallocs_remapped)                                                                       \
  X("copied", 8, reallocs_copied)                                                                            \
  X("bytes copied", 14, bytes_copied)                                                                        \
  X("failed", 8, num_failed)

enum { MERGE_FIELDS(FIELDS_IN_BYTES) };

/* A column of the key has a heading and a bit. A process is named by all three of its own. */
static const struct {
  const char *title;
  unsigned by;
} keys[] = {{"pool", MERGE_POOL},
            {"name", MERGE_NAME},
            {"host", MERGE_HOST | MERGE_PROCESS},
            {"program", MERGE_PROGRAM | MERGE_PROCESS},
            {"pid", MERGE_PROCESS}};
enum { KEYS = sizeof keys / sizeof *keys };

static void spaces(writer *w, int count) {
  for (; count > 0; count--)
    writer_text(w, " ");
}

/* Returns the group's value of a key, as text. */
static const char *key_text(const merge_group *g, int key, char number[24]) {
  const char *const texts[] = {g->pool, g->name, g->host, g->program};
  if (key < KEYS - 1)
    return *texts[key] ? texts[key] : keys[key].by == MERGE_NAME ? "-" : "?";
  writer_format_int(number, g->pid);
  return number;
}

static void key_cells(writer *w, const merge_report *r, const int *widths, const merge_group *g) {
  for (int i = 0; i < KEYS; i++) {
    char number[24];
    if (!(keys[i].by & r->merge->by))
      continue;
    const char *text = g ? key_text(g, i, number) : keys[i].title;
    writer_text(w, text);
    spaces(w, widths[i] + 1 - writer_columns(text));
  }
}

/* Writes a value: "?" is unknown, ">=" the bound of what is known in part. */
static void value(writer *w, int64_t exact, int64_t at_least, bool in_bytes, int width) {
  char text[32] = "?";
  size_t length = 1;
  int64_t shown = exact != ARROWPOOL_UNKNOWN ? exact : at_least;
  if (shown != ARROWPOOL_UNKNOWN) {
    length = exact == ARROWPOOL_UNKNOWN ? 2 : 0;
    memcpy(text, ">=", length);
    length += (in_bytes ? writer_format_size : writer_format_int)(text + length, shown);
  }
  spaces(w, width && width <= (int)length ? 1 : width - (int)length);
  writer_bytes(w, text, length);
}

static void row(writer *w, const merge_group *g) {
  int64_t exact, at_least;
#define X(title, width, field)                                                                               \
  exact = merge_value(g, MERGE_##field, &at_least);                                                          \
  value(w, exact, at_least, in_bytes_##field, width);
  COLUMNS(X)
#undef X
  writer_text(w, "\n");
}

static void heading(writer *w) {
#define X(title, width, field)                                                                               \
  spaces(w, width - (int)sizeof title + 1);                                                                  \
  writer_text(w, title);
  COLUMNS(X)
#undef X
  writer_text(w, "\n");
}

static void all(writer *w, const merge_report *r) {
  const merge *m = r->merge;
  const char *separator = " (";
  int64_t at_least, sum = merge_sum_value(&m->peak_rss, &at_least);
  writer_print(w, "arrowpool " ARROWPOOL_VERSION ": %ld %s", (int64_t)m->processes,
               m->processes == 1 ? "process" : "processes");
  for (int state = 0; state < STATS_STATES; state++, separator = ", ")
    writer_print(w, "%s%ld %s", separator, m->states[state], stats_state_name((stats_state)state));
  writer_print(w, ") in %ld %s\npeak resident: sum ", (int64_t)r->files, r->files == 1 ? "file" : "files");
  value(w, sum, at_least, true, 0);
  writer_text(w, ", highest ");
  value(w, sum == ARROWPOOL_UNKNOWN ? sum : m->highest_rss,
        at_least == ARROWPOOL_UNKNOWN ? at_least : m->highest_rss, true, 0);
  writer_text(w, "\n");
}

void merge_write_text(writer *w, const merge_report *r) {
  const merge *m = r->merge;
  size_t shown = r->top < m->groups.count ? r->top : m->groups.count;
  int widths[KEYS];
  all(w, r);
  if (!m->groups.count) {
    writer_text(w, "no pool was used\n");
    return;
  }
  for (int i = 0; i < KEYS; i++) {
    widths[i] = (int)strlen(keys[i].title);
    for (size_t g = 0; g < shown; g++) {
      char number[24];
      int width = writer_columns(key_text(merge_group_at(m, g), i, number));
      widths[i] = width > widths[i] ? width : widths[i];
    }
  }
  key_cells(w, r, widths, NULL);
  heading(w);
  for (size_t g = 0; g < shown; g++) {
    key_cells(w, r, widths, merge_group_at(m, g));
    row(w, merge_group_at(m, g));
  }
  if (shown < m->groups.count)
    writer_print(w, "and %ld more\n", (int64_t)(m->groups.count - shown));
}
