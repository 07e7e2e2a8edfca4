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

/* Writes "+1.5G", "-20M" or "0". */
static void format_growth(int64_t number, char *out) {
  if (number)
    *out++ = number > 0 ? '+' : '-';
  writer_format_short(out, number < 0 ? -number : number, 1024);
}

static void format_share(int64_t thousandths, bool exact, char *out) {
  if (exact)
    snprintf(out, 24, "%lld.%d", (long long)(thousandths / 10), (int)(thousandths % 10));
  else
    snprintf(out, 24, "%lld%%", (long long)((thousandths + 5) / 10));
}

void top_format_number(int64_t number, top_kind kind, bool exact, char *out) {
  if (number == ARROWPOOL_UNKNOWN)
    strcpy(out, kind == TOP_SHARE ? "-" : "?");
  else if (kind == TOP_SHARE)
    format_share(number, exact, out);
  else if (kind == TOP_GROWTH && !exact)
    format_growth(number, out);
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

const char *top_heading(const top_model *m, const top_column *column) {
  return m->by_program && column->id == TOP_COLUMN_PID ? "PROCS" : column->heading;
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
  return column->id == TOP_COLUMN_POOL                             ? 16
         : column->kind == TOP_BYTES || column->kind == TOP_GROWTH ? 12
                                                                   : 8;
}

/* Prints a cell. Blanks separate cells, so those within a name are shown as '_'; the command comes last. */
static void print_cell(const top_line *line, const top_column *column) {
  char text[COMMAND_BYTES];
  const top_process *p = line->process;
  if (column->kind == TOP_TEXT && column->id != TOP_COLUMN_STATE) {
    const char *name = column->id == TOP_COLUMN_PROGRAM ? p->program
                       : column->id == TOP_COLUMN_NAME  ? p->name
                       : !line->pool                    ? (column->id == TOP_COLUMN_COMMAND ? p->command : "")
                       : column->id == TOP_COLUMN_POOL  ? line->pool->name
                                                        : "";
    strcpy(text, *name ? name : column->id == TOP_COLUMN_PROGRAM ? "?" : "-");
    for (char *at = text; column->id != TOP_COLUMN_COMMAND && (at = strchr(at, ' ')) != NULL;)
      *at = '_';
  } else if (column->id == TOP_COLUMN_STATE)
    strcpy(text, stats_state_name(line->process->state));
  else if (line->pool && column->of_process)
    strcpy(text, "-");
  else
    top_format_number(top_cell_number(line, column), column->kind, true, text);
  if (column->id == TOP_COLUMN_COMMAND)
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
    if (c->id == TOP_COLUMN_COMMAND)
      puts(c->heading);
    else if (c->kind != TOP_SPARK)
      printf("%-*s ", width_of(c), top_heading(m, c));
  for (size_t i = 0; i < m->line_count; i++)
    for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++)
      if (c->kind != TOP_SPARK)
        print_cell(&m->lines[i], c);
  return fflush(stdout) == 0;
}
