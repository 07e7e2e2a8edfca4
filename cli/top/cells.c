/* Makes the text of cells, and the plain output. */
#include "cli/top/cells.h"

#include "base/writer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const top_column top_columns[TOP_COLUMNS] = {
    {TOP_COLUMN_PID, "pid", "PID", TOP_NUMBER, 0, 7, 1},
    {TOP_COLUMN_STATE, "state", "STATE", TOP_TEXT, 0, 8, 4},
    {TOP_COLUMN_LIVE, "live", "LIVE", TOP_BYTES, TOP_LIVE, 6, 2},
    {TOP_COLUMN_PEAK, "peak", "PEAK", TOP_BYTES, TOP_PEAK, 6, 5},
    {TOP_COLUMN_RSS, "rss", "RSS", TOP_BYTES, TOP_RESIDENT, 6, 3},
    {TOP_COLUMN_IDLE, "idle", "IDLE", TOP_BYTES, TOP_IDLE, 6, 8},
    {TOP_COLUMN_ALLOCS, "allocs", "ALLOC/s", TOP_RATE, TOP_ALLOCATIONS, 7, 6},
    {TOP_COLUMN_IN_PLACE, "in-place", "PLACE/s", TOP_RATE, TOP_IN_PLACE, 7, 10},
    {TOP_COLUMN_REMAPPED, "remapped", "REMAP/s", TOP_RATE, TOP_REMAPPED, 7, 11},
    {TOP_COLUMN_COPIES, "copies", "COPY/s", TOP_RATE, TOP_COPIED, 6, 12},
    {TOP_COLUMN_COPIED, "copied", "BYTES/s", TOP_BYTE_RATE, TOP_BYTES_COPIED, 7, 9},
    {TOP_COLUMN_LIVE_MINUTE, NULL, "LIVE 1min", TOP_SPARK, 0, 12, 7},
    {TOP_COLUMN_RSS_MINUTE, NULL, "RSS 1min", TOP_SPARK, 0, 12, 13},
    {TOP_COLUMN_POOL, NULL, "POOL", TOP_TEXT, 0, 0, 0},
    {TOP_COLUMN_PROGRAM, "program", "PROGRAM", TOP_TEXT, 0, 0, 0},
};

int top_find_column(const char *field) {
  for (int i = 0; i < TOP_COLUMNS; i++)
    if (top_columns[i].field && strcmp(top_columns[i].field, field) == 0)
      return i;
  return -1;
}

int top_next_sort(int column, int step) {
  do
    column = (column + step + TOP_COLUMNS) % TOP_COLUMNS;
  while (!top_columns[column].field);
  return column;
}

bool top_is_of_process(const top_column *column) {
  return column->id == TOP_COLUMN_PID || column->id == TOP_COLUMN_STATE || column->id == TOP_COLUMN_RSS ||
         column->id == TOP_COLUMN_IDLE || column->id == TOP_COLUMN_RSS_MINUTE;
}

int64_t top_cell_number(const top_line *line, const top_column *column) {
  if (column->id == TOP_COLUMN_PID)
    return line->process->pid;
  return (line->pool ? &line->pool->row : &line->process->row)->shown[column->number];
}

void top_format_pid(int64_t pid, char *out) { snprintf(out, 24, "%lld", (long long)pid); }

/* Writes three digits and a unit: "999", "1.5K", "312M". */
static void format_short(int64_t number, const char *units, double step, char *out) {
  double value = (double)number;
  for (; value >= (*units == ' ' ? 1000 : 999.5) && units[1]; units++)
    value /= step;
  if (*units == ' ')
    snprintf(out, 24, "%.0f", value);
  else
    snprintf(out, 24, "%.*f%c", value < 9.95, value, *units);
}

static void format_rate(int64_t thousandths, char *out) {
  if (thousandths < 9950 && thousandths % 1000)
    snprintf(out, 24, "%.1f", (double)thousandths / 1000);
  else
    format_short((thousandths + 500) / 1000, " kMGT", 1000, out);
}

void top_format_number(int64_t number, top_kind kind, bool exact, char *out) {
  if (number == ARROWPOOL_UNKNOWN)
    strcpy(out, "?");
  else if (kind == TOP_BYTE_RATE && !exact)
    format_short((number + 500) / 1000, " KMGTPE", 1024, out);
  else if (kind == TOP_RATE && !exact)
    format_rate(number, out);
  else if (kind == TOP_BYTES && !exact)
    format_short(number, " KMGTPE", 1024, out);
  else if (kind == TOP_RATE || kind == TOP_BYTE_RATE)
    snprintf(out, 24, "%lld.%03d", (long long)(number / 1000), (int)(number % 1000));
  else
    snprintf(out, 24, "%lld", (long long)number);
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

int top_fit_columns(int width, int least, bool *shown) {
  int left = width - least;
  memset(shown, 0, TOP_COLUMNS * sizeof *shown);
  shown[TOP_COLUMN_PROGRAM] = true;
  for (int priority = 1;; priority++) {
    int i = 0;
    while (i < TOP_COLUMNS && top_columns[i].priority != priority)
      i++;
    if (i == TOP_COLUMNS || left < top_columns[i].width + 1)
      break;
    left -= top_columns[i].width + 1;
    shown[i] = true;
  }
  return left + least;
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
  else if (line->pool && column->kind == TOP_BYTES && top_is_of_process(column))
    strcpy(text, "-");
  else
    top_format_number(top_cell_number(line, column), column->kind, true, text);
  if (column->id == TOP_COLUMN_PROGRAM)
    puts(text);
  else {
    int width = column->id == TOP_COLUMN_POOL ? 16 : column->kind == TOP_BYTES ? 12 : 8;
    int columns = writer_columns(text);
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
  for (const top_column *c = top_columns; c < top_columns + TOP_COLUMN_LIVE_MINUTE; c++)
    if (c->kind != TOP_TEXT && c->kind != TOP_NUMBER) {
      top_format_number(m->totals[c->number], c->kind, true, total);
      printf("; %s %s", c->field, total);
    }
  puts("");
  for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++)
    if (c->id == TOP_COLUMN_PROGRAM)
      puts(c->heading);
    else if (c->kind != TOP_SPARK)
      printf("%-*s ", c->id == TOP_COLUMN_POOL ? 16 : c->kind == TOP_BYTES ? 12 : 8, c->heading);
  for (size_t i = 0; i < m->line_count; i++)
    for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++)
      if (c->kind != TOP_SPARK)
        print_cell(&m->lines[i], c);
  return fflush(stdout) == 0;
}
