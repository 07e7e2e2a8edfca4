/* Lists the lines of `arrowpool top`: which processes and pools there are, and in which order. */
#include "cli/base/memory.h"
#include "cli/top/cells.h"
#include "cli/top/command.h"

#include <stdlib.h>
#include <string.h>

/* Returns whether a process says the text anywhere, in letters large or small: then it is listed. */
static bool matches(const top_process *p, const char *text) {
  char pid[24];
  writer_format_int(pid, p->pid);
  if ((!p->is_group && strstr(pid, text)) || strcasestr(p->program, text) || strcasestr(p->name, text) ||
      strcasestr(p->command, text) || strcasestr(stats_state_name(p->state), text))
    return true;
  for (size_t i = 0; i < p->pool_count; i++)
    if (strcasestr(p->pools[i].name, text))
      return true;
  return false;
}

/* Numbers begin with the largest, texts with A; what nobody knows comes last. Where two are equal, the
 * younger file comes last, so that lines keep their places. */
static int compare(const top_line *a, const top_line *b, const top_model *m) {
  const top_column *column = &top_columns[m->sort];
  int order;
  bool unknown[2] = {false, false};
  if (column->kind == TOP_TEXT) {
    order = column->id == TOP_COLUMN_STATE
                ? strcmp(stats_state_name(a->process->state), stats_state_name(b->process->state))
            : column->id == TOP_COLUMN_PROGRAM && a->pool ? strcmp(a->pool->name, b->pool->name)
            : column->id == TOP_COLUMN_NAME               ? strcmp(a->process->name, b->process->name)
            : column->id == TOP_COLUMN_PROGRAM            ? strcmp(a->process->program, b->process->program)
                                                          : 0;
  } else {
    const int64_t numbers[] = {top_cell_number(a, column), top_cell_number(b, column)};
    unknown[0] = numbers[0] == ARROWPOOL_UNKNOWN;
    unknown[1] = numbers[1] == ARROWPOOL_UNKNOWN;
    order = (numbers[0] < numbers[1]) - (numbers[0] > numbers[1]);
    if (column->kind == TOP_NUMBER)
      order = -order;
  }
  if (unknown[0] != unknown[1])
    return unknown[0] ? 1 : -1;
  if (order)
    return m->reverse ? -order : order;
  order = strcmp(a->process->file, b->process->file);
  return order ? order : a->pool ? strcmp(a->pool->name, b->pool->name) : 0;
}

static int compare_lines(const void *a, const void *b, void *model) { return compare(a, b, model); }

static void make_room(top_model *m, size_t lines) {
  if (lines <= m->line_room)
    return;
  m->line_room = 2 * lines;
  m->lines = memory_grow(m->lines, m->line_room, sizeof *m->lines);
}

/* Puts the pools of each expanded process below it, from the last one on. */
static void insert_pools(top_model *m, size_t processes, size_t lines) {
  size_t at = lines;
  m->line_count = lines;
  while (processes) {
    top_process *p = m->lines[--processes].process;
    size_t pools = p->expanded ? p->pool_count : 0;
    at -= pools;
    for (size_t i = 0; i < pools; i++)
      m->lines[at + i] = (top_line){p, &p->pools[i]};
    qsort_r(m->lines + at, pools, sizeof *m->lines, compare_lines, m);
    m->lines[--at] = (top_line){p, NULL};
  }
}

static void select_chosen(top_model *m) {
  for (size_t i = 0; i < m->line_count && m->chosen; i++) {
    const top_line *line = &m->lines[i];
    if (line->process != m->chosen)
      continue;
    if (!line->pool || strcmp(line->pool->name, m->chosen_pool) == 0)
      m->selected = i;
  }
  if (m->selected >= m->line_count)
    m->selected = m->line_count ? m->line_count - 1 : 0;
}

void top_model_arrange(top_model *m) {
  size_t processes = 0, lines = 0;
  const top_model *shown = m->by_program && m->groups ? m->groups : m;
  top_model_drop_lines(m);
  make_room(m, shown->count);
  for (size_t i = 0; i < shown->count; i++)
    if (matches(shown->processes[i], m->filter)) {
      m->lines[processes++] = (top_line){shown->processes[i], NULL};
      lines += 1 + (shown->processes[i]->expanded ? shown->processes[i]->pool_count : 0);
    }
  qsort_r(m->lines, processes, sizeof *m->lines, compare_lines, m);
  make_room(m, lines);
  insert_pools(m, processes, lines);
  select_chosen(m);
  top_command_compare(m);
}
