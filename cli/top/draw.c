/* Draws the header and the list. */
#include "cli/top/draw.h"

#include "cli/top/cells.h"
#include "cli/top/command.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

enum { PLAIN_COLOURS, GONE_COLOURS, SPARK_COLOURS };
enum { SMALL_SCREEN = 10 }; /* the header of a screen with fewer rows is one line */

void top_draw_start(void) {
  if (!has_colors())
    return;
  start_color();
  use_default_colors();
  init_pair(GONE_COLOURS, COLOR_RED, -1);
  init_pair(SPARK_COLOURS, COLOR_CYAN, -1);
}

/* Puts text at a place, as far as it fits into `width` columns; what cannot be shown becomes '?'. Returns the
 * columns that it took. */
static int put(int y, int x, const char *text, int width) {
  int used = 0;
  mbstate_t state = {0};
  if (y >= LINES || x >= COLS)
    return 0;
  if (width > COLS - x)
    width = COLS - x;
  for (size_t left = strlen(text); left;) {
    wchar_t character[2] = {0};
    size_t length = mbrtowc(character, text, left, &state);
    if (length == 0 || length > left) {
      state = (mbstate_t){0};
      length = 1;
      character[0] = L'?';
    }
    if (wcwidth(character[0]) < 0)
      character[0] = L'?';
    int columns = wcwidth(character[0]);
    if (used + columns > width)
      break;
    mvaddwstr(y, x + used, character);
    used += columns;
    text += length;
    left -= length;
  }
  return used;
}

static void put_right(int y, int x, const char *text, int width) {
  int length = (int)strlen(text);
  put(y, x + (length < width ? width - length : 0), text, width);
}

/* ---- the header ---- */

static void draw_totals(const top_view *v, int y) {
  static const struct {
    top_column_id column;
    const char *before, *after;
  } parts[] = {{TOP_COLUMN_LIVE, "live ", ""},
               {TOP_COLUMN_RSS, "  resident ", ""},
               {TOP_COLUMN_IDLE, "  idle ", ""},
               {TOP_COLUMN_ALLOCS, "  per second: ", " allocations"},
               {TOP_COLUMN_IN_PLACE, "  grown in place ", ""},
               {TOP_COLUMN_REMAPPED, "  remapped ", ""},
               {TOP_COLUMN_COPIES, "  copied ", ""},
               {TOP_COLUMN_COPIED, " (", " bytes)"}};
  int x = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const top_column *column = &top_columns[parts[i].column];
    char number[24], text[80];
    top_format_number(v->model.totals[column->id], column->kind, false, number);
    snprintf(text, sizeof text, "%s%s%s", parts[i].before, number, parts[i].after);
    x += put(y, x, text, COLS - x);
  }
}

static int draw_header(const top_view *v) {
  char text[512], described[256];
  int y = 0;
  top_describe(&v->model, described, sizeof described);
  if (LINES >= SMALL_SCREEN) {
    snprintf(text, sizeof text, "arrowpool top  %s  every %g s%s%s  h: help", v->directory,
             (double)v->interval / 1000, *v->model.filter ? "  filter: " : "", v->model.filter);
    put(y++, 0, text, COLS);
  }
  attron(A_BOLD);
  put(y++, 0, *v->problem ? v->problem : described, COLS);
  attroff(A_BOLD);
  if (LINES >= SMALL_SCREEN)
    draw_totals(v, y++);
  return y;
}

/* ---- the list ---- */

static void draw_headings(const top_view *v, const bool *shown, int y) {
  int x = 0;
  attron(A_REVERSE);
  mvhline(y, 0, ' ', COLS);
  for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++) {
    if (!shown[c->id])
      continue;
    if (v->model.sort == (int)c->id)
      attron(A_BOLD | A_UNDERLINE);
    if (!c->width || c->kind == TOP_SPARK || c->kind == TOP_TEXT)
      put(y, x, c->heading, c->width ? c->width : COLS - x);
    else
      put_right(y, x, top_heading(&v->model, c), c->width);
    attroff(A_BOLD | A_UNDERLINE);
    x += c->width + 1;
  }
  attroff(A_REVERSE);
}

static void draw_spark(const top_drawing *d, const top_history *h, int y, int x, int width) {
  signed char levels[TOP_SECONDS];
  top_levels(h, width, levels);
  attron(COLOR_PAIR(SPARK_COLOURS));
  for (int i = 0; i < width; i++)
    put(y, x + i, top_level_text(levels[i], d->unicode), 1);
  attroff(COLOR_PAIR(SPARK_COLOURS));
}

/* Draws what a line is of: a pool, or a process by its job's name and its command. */
static void draw_what(const top_drawing *d, const top_line *line, int y, int x, int width) {
  const top_process *p = line->process;
  char text[JOB_NAME_BYTES + 8], command[COMMAND_BYTES + 8];
  if (line->pool) {
    put(y, x + 4, line->pool->name, width - 4);
    return;
  }
  snprintf(text, sizeof text, "%c %s%s%s",
           !p->pool_count ? ' '
           : p->expanded  ? '-'
                          : '+',
           *p->name ? "[" : "", p->name, *p->name ? "] " : "");
  int used = put(y, x, text, width);
  if (used >= width)
    return;
  top_command_fit(p, width - used, d->unicode, command);
  put(y, x + used, command, width - used);
}

static void draw_line(const top_drawing *d, const top_line *line, const bool *shown, int y) {
  int x = 0;
  for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++) {
    char text[24];
    if (!shown[c->id])
      continue;
    if (c->id == TOP_COLUMN_COMMAND)
      draw_what(d, line, y, x, COLS - x);
    else if (line->pool && top_is_of_process(c))
      ;
    else if (c->id == TOP_COLUMN_STATE)
      put(y, x, stats_state_name(line->process->state), c->width);
    else if (c->kind == TOP_SPARK)
      draw_spark(d,
                 c->id == TOP_COLUMN_RSS_MINUTE ? &line->process->resident
                 : line->pool                   ? &line->pool->row.live
                                                : &line->process->row.live,
                 y, x, c->width);
    else {
      top_format_number(top_cell_number(line, c), c->kind, false, text);
      put_right(y, x, text, c->width);
    }
    x += c->width + 1;
  }
}

/* ---- who holds the memory ---- */

/* Returns the rows of that part of the screen, below the list; 0: it is not shown, or the screen too small.
 */
static int held_rows(const top_view *v) {
  return v->shows_held && LINES >= SMALL_SCREEN + TOP_HELD + 1 ? TOP_HELD + 1 : 0;
}

static void draw_held(const top_view *v) {
  char text[WHO_TOP_TEXT + 64];
  const top_process *p = top_selected(v);
  int y = LINES - held_rows(v);
  if (y == LINES || !p)
    return;
  attron(A_REVERSE);
  mvhline(y, 0, ' ', COLS);
  snprintf(text, sizeof text, "  LIVE  SHARE  HELD BY %lld %s", (long long)p->pid, p->program);
  put(y++, 0, text, COLS);
  attroff(A_REVERSE);
  if (v->held_problem)
    put(y, 0, v->held_problem, COLS);
  for (int i = 0; i < TOP_HELD && v->held[i].text[0] && !v->held_problem; i++) {
    char number[24];
    top_format_number(v->held[i].bytes, TOP_BYTES, false, number);
    snprintf(text, sizeof text, "%6s %5.1f%%  %s%s", number, 100 * v->held[i].share, v->held[i].text,
             v->held[i].by_task ? "  [task]" : "");
    put(y++, 0, text, COLS);
  }
}

/* ---- all of it ---- */

static void draw_list(top_drawing *d, int top) {
  const top_model *m = &d->view->model;
  bool shown[TOP_COLUMNS];
  top_fit_columns(COLS, COLS < 40 ? 4 : COLS < 120 ? 16 : 28, shown);
  int end = LINES - held_rows(d->view);
  if (top >= end)
    return;
  draw_headings(d->view, shown, top++);
  d->rows = end > top ? end - top : 0;
  size_t rows = (size_t)d->rows;
  if (d->first > m->selected)
    d->first = m->selected;
  if (rows && m->selected - d->first >= rows)
    d->first = m->selected - rows + 1;
  if (d->first + rows > m->line_count)
    d->first = m->line_count > rows ? m->line_count - rows : 0;
  for (size_t i = 0; i < rows && d->first + i < m->line_count; i++) {
    const top_line *line = &m->lines[d->first + i];
    int y = top + (int)i;
    attr_t how = line->process->state == STATS_RUNNING ? A_NORMAL
                 : line->process->state == STATS_GONE  ? A_BOLD | COLOR_PAIR(GONE_COLOURS)
                                                       : A_DIM;
    attron(how);
    draw_line(d, line, shown, y);
    attroff(how);
    if (d->first + i == m->selected)
      mvchgat(y, 0, -1, A_REVERSE, PLAIN_COLOURS, NULL);
  }
}

static void draw_help(void) {
  static const char *const lines[] = {"up down j k PgUp PgDn Home End   move",
                                      "Enter space   pools of a process",
                                      "p             pools of all",
                                      "t             totals by program, or processes",
                                      "w             lines of Python that hold most, of the process",
                                      "s S           sort by next, last",
                                      "r             reverse the order",
                                      "/             filter; Esc: none",
                                      "+ -           interval",
                                      "q             quit",
                                      "1min          the last minute, each row to its own scale",
                                      "GROW/min      growth of live bytes in the last minute",
                                      "LIMIT%        live bytes, of the limit",
                                      "              any key: back",
                                      ""};
  int y = 0;
  for (; y < (int)(sizeof lines / sizeof *lines); y++)
    put(y, 0, lines[y], COLS);
  for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++)
    if (top_field_of(c)) {
      put(y, 0, c->heading, COLS);
      put(y++, 14, top_field_of(c)->help, COLS - 14);
    }
}

void top_draw(top_drawing *d) {
  erase();
  if (d->help) {
    draw_help();
  } else {
    draw_list(d, draw_header(d->view));
    draw_held(d->view);
  }
  if (d->prompt) {
    char text[128];
    snprintf(text, sizeof text, "filter: %s", d->prompt);
    move(LINES - 1, 0);
    clrtoeol();
    int x = put(LINES - 1, 0, text, COLS - 1);
    mvaddch(LINES - 1, x, '_' | A_BLINK);
  }
  refresh();
}
