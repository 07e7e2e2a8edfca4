/* Makes the text of cells, and the plain output. */
#include "cli/top/cells.h"

#include "base/writer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t top_cell_number(const top_line *line, const top_column *column) {
  if (column->id == TOP_COLUMN_PID)
    return line->process->pid;
  return (line->pool ? &line->pool->row : &line->process->row)->shown[column->id];
}

static void format_rate(int64_t thousandths, char *out) {
  if (thousandths < 9950 && thousandths % 1000)
    snprintf(out, 24, "%.1f", (double)thousandths / 1000);
  else
    writer_format_short(out, (thousandths + 500) / 1000, 1000);
}

void top_format_number(int64_t number, top_kind kind, bool exact, char *out) {
  if (number == ARROWPOOL_UNKNOWN)
    strcpy(out, "?");
  else if (kind == TOP_BYTE_RATE && !exact)
    writer_format_short(out, (number + 500) / 1000, 1024);
  else if (kind == TOP_RATE && !exact)
    format_rate(number, out);
  else if (kind == TOP_BYTES && !exact)
    writer_format_short(out, number, 1024);
  else if (top_is_rate(kind))
    snprintf(out, 24, "%lld.%03d", (long long)(number / 1000), (int)(number % 1000));
  else
    writer_format_int(out, number);
}

void top_levels(const top_history *h, int width, signed char *out) {
  int64_t highest = top_history_most(h, 0, 1);
  for (int i = 0; i < width; i++) {
    int64_t value = top_history_most(h, i, width);
    double part = highest > 0 ? (double)value / (double)highest : 0;
    /* lround needs libm, and nothing below 0 is rounded: NOLINTNEXTLINE(bugprone-incorrect-roundings) */
    int level = value == ARROWPOOL_UNKNOWN || value < 0 ? -1 : (int)(part * (TOP_LEVELS - 1) + 0.5);
    out[i] = (signed char)level;
  }
}

const char *top_level_text(int level, bool unicode) {
  static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static const char *const ascii[] = {" ", "_", ".", ":", "-", "=", "+", "*", "#"};
  return (unicode ? blocks : ascii)[level + 1];
}

void top_describe(const top_model *m, char *out, size_t size) {
  int length = snprintf(out, size, "%zu processes, %zu gone", m->count, m->gone);
  const struct {
    size_t count;
    const char *what;
  } more[] = {{m->unknown, "unknown"},
              {m->ended, "ended"},
              {m->unreadable, "unreadable"},
              {m->incomplete, "with sums that are too small"}};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    if (more[i].count && length >= 0 && (size_t)length < size)
      length += snprintf(out + length, size - (size_t)length, ", %zu %s", more[i].count, more[i].what);
}

/* ---- plain ---- */

static int width_of(const top_column *column) {
  return column->id == TOP_COLUMN_POOL ? 16 : column->kind == TOP_BYTES ? 12 : 8;
}

/* Prints a cell. Blanks separate cells, so those within a pool's name are shown as '_'. */
static void print_cell(const top_line *line, const top_column *column) {
  char text[72];
  if (column->id == TOP_COLUMN_PROGRAM)
    strcpy(text, *line->process->program ? line->process->program : "?");
  else if (column->id == TOP_COLUMN_POOL) {
    strcpy(text, line->pool ? line->pool->name : "-");
    for (char *at = text; (at = strchr(at, ' ')) != NULL;)
      *at = '_';
  } else if (column->id == TOP_COLUMN_STATE)
    strcpy(text, stats_state_name(line->process->state));
  else if (line->pool && column->of_process)
    strcpy(text, "-");
  else
    top_format_number(top_cell_number(line, column), column->kind, true, text);
  if (column->id == TOP_COLUMN_PROGRAM)
    puts(text);
  else {
    int width = width_of(column), columns = writer_columns(text);
    printf("%s%*s", text, columns < width ? width - columns + 1 : 1, "");
  }
}

bool top_print(const top_model *m) {
  char header[256], when[32], total[24];
  time_t now = time(NULL);
  struct tm utc;
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  top_describe(m, header, sizeof header);
  printf("%s %s", when, header);
  for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++)
    if (top_field_of(c)) {
      top_format_number(m->totals[c->id], c->kind, true, total);
      printf("; %s %s", c->word, total);
    }
  puts("");
  for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++)
    if (c->id == TOP_COLUMN_PROGRAM)
      puts(c->heading);
    else if (c->kind != TOP_SPARK)
      printf("%-*s ", width_of(c), c->heading);
  for (size_t i = 0; i < m->line_count; i++)
    for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++)
      if (c->kind != TOP_SPARK)
        print_cell(&m->lines[i], c);
  return fflush(stdout) == 0;
}
