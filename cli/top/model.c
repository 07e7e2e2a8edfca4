/* Keeps processes and pools from one refresh to the next. The order and choice of lines is in lines.c. */
#include "cli/top/model.h"

#include "cli/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void top_history_add(top_history *h, int64_t now, int64_t value) {
  int64_t second = now / 1000, last = h->count ? h->values[h->second % TOP_SECONDS] : value;
  if (h->count && second <= h->second) {
    h->values[h->second % TOP_SECONDS] = value > last ? value : last;
    return;
  }
  int64_t passed = h->count ? second - h->second : 1;
  if (passed > TOP_SECONDS)
    passed = TOP_SECONDS;
  for (int64_t at = second - passed + 1; at < second; at++) /* nobody looked: it was as before */
    h->values[at % TOP_SECONDS] = last;
  h->values[second % TOP_SECONDS] = value;
  h->second = second;
  h->count = h->count + passed < TOP_SECONDS ? h->count + (int)passed : TOP_SECONDS;
}

int64_t top_history_growth(const top_history *h) {
  if (h->count < 2)
    return ARROWPOOL_UNKNOWN;
  int64_t newest = h->values[h->second % TOP_SECONDS];
  int64_t oldest = h->values[(h->second - h->count + 1) % TOP_SECONDS];
  if (newest == ARROWPOOL_UNKNOWN || oldest == ARROWPOOL_UNKNOWN)
    return ARROWPOOL_UNKNOWN;
  return (newest - oldest) * 60 / (h->count - 1);
}

int64_t top_history_most(const top_history *h, int index, int parts) {
  int64_t most = ARROWPOOL_UNKNOWN;
  for (int age = TOP_SECONDS - 1 - index * (TOP_SECONDS / parts), i = 0; i < TOP_SECONDS / parts; i++, age--)
    if (age < h->count) {
      int64_t value = h->values[(h->second - age) % TOP_SECONDS];
      most = value > most ? value : most;
    }
  return most;
}

/* ---- rows ---- */

static int64_t rate(int64_t events, int64_t elapsed) {
  return elapsed > 0 && events >= 0 ? (int64_t)((double)events * 1e6 / (double)elapsed + 0.5) : 0;
}

/* Updates the numbers of a row. `elapsed` is since they were read last, or, at first, since the process
 * started; ARROWPOOL_UNKNOWN: nobody knows over which time the sums came about. */
static void update_row(top_row *row, const int64_t *sums, bool first, int64_t elapsed, int64_t now) {
  for (int n = 0; n < TOP_COLUMNS; n++) {
    if (n == TOP_COLUMN_GROWTH)
      continue; /* its history tells */
    if (!top_is_rate(top_columns[n].kind))
      row->shown[n] = sums[n];
    else if (sums[n] == ARROWPOOL_UNKNOWN || elapsed == ARROWPOOL_UNKNOWN)
      row->shown[n] = ARROWPOOL_UNKNOWN;
    else
      row->shown[n] =
          rate(first || row->sums[n] == ARROWPOOL_UNKNOWN ? sums[n] : sums[n] - row->sums[n], elapsed);
    row->sums[n] = sums[n];
  }
  top_history_add(&row->live, now, sums[TOP_COLUMN_LIVE]);
  int64_t live = sums[TOP_COLUMN_LIVE], growth = top_history_growth(&row->live);
  if (growth == ARROWPOOL_UNKNOWN && elapsed > 0 && live != ARROWPOOL_UNKNOWN)
    growth = first ? (int64_t)((double)live * 60000 / (double)elapsed) : row->shown[TOP_COLUMN_GROWTH];
  row->shown[TOP_COLUMN_GROWTH] = growth;
}

/* Returns what `live` bytes are of a limit, in thousandths. */
static int64_t share_of(int64_t live, int64_t most) {
  if (live == ARROWPOOL_UNKNOWN || most == ARROWPOOL_UNKNOWN || most <= 0)
    return ARROWPOOL_UNKNOWN;
  return (int64_t)((double)live * 1000 / (double)most + 0.5);
}

/* Reads the figures of a pool or of a process; the other is NULL, and unknown. */
static void read_figures(const arrowpool_stats *pool, const snapshot_process *process, int64_t *out) {
  for (const top_column *c = top_columns; c < top_columns + TOP_COLUMNS; c++)
    out[c->id] = pool && c->of_pool         ? report_family_value(c->of_pool, pool)
                 : process && c->of_process ? report_family_value(c->of_process, process)
                                            : ARROWPOOL_UNKNOWN;
}

static top_pool *find_pool(const top_process *p, const char *name) {
  for (size_t i = 0; i < p->pool_count; i++)
    if (strcmp(p->pools[i].name, name) == 0)
      return &p->pools[i];
  return NULL;
}

/* ---- processes ---- */

/* Finds the place of a file among the processes: its own, or where it belongs. */
static size_t place_of(const top_model *m, const char *file, bool *found) {
  size_t low = 0, high = m->count;
  *found = false;
  while (low < high && !*found) {
    size_t middle = (low + high) / 2;
    int order = strcmp(file, m->processes[middle]->file);
    *found = order == 0;
    if (order <= 0)
      high = middle;
    else
      low = middle + 1;
  }
  return high;
}

static void free_process(top_process *p) {
  free(p->file);
  free(p->pools);
  free(p);
}

static top_process *insert(top_model *m, size_t at, const char *file) {
  m->processes = memory_one_more(m->processes, m->count, &m->room, sizeof(top_process *));
  top_process *p = memory_zeroed(1, sizeof *p);
  p->file = memory_copy(file);
  p->expanded = m->pools;
  memmove(m->processes + at + 1, m->processes + at, (m->count - at) * sizeof(top_process *));
  m->processes[at] = p;
  m->count++;
  return p;
}

void top_model_drop_lines(top_model *m) {
  if (m->selected < m->line_count) {
    const top_line *line = &m->lines[m->selected];
    m->chosen = line->process;
    strcpy(m->chosen_pool, line->pool ? line->pool->name : "");
  }
  m->line_count = 0;
}

void top_model_show_pools(top_model *m, bool shown) {
  m->pools = shown;
  for (size_t i = 0; i < m->count; i++)
    m->processes[i]->expanded = shown;
  if (m->groups)
    top_model_show_pools(m->groups, shown);
}

void top_model_begin(top_model *m) {
  top_model_drop_lines(m);
  m->refresh++;
  m->gone = m->unknown = m->ended = m->unreadable = m->incomplete = 0;
  for (int n = 0; n < TOP_COLUMNS; n++)
    m->totals[n] = 0;
}

static void count(top_model *m, const top_process *p, const stats *f) {
  m->gone += p->state == STATS_GONE;
  m->unknown += p->state == STATS_UNKNOWN;
  m->ended += p->state == STATS_ENDED || p->state == STATS_REPLACED;
  m->incomplete += f->lost > 0;
  for (int n = 0; n < TOP_COLUMNS && p->state == STATS_RUNNING; n++)
    m->totals[n] = stats_sum_known(m->totals[n], p->row.shown[n]);
}

void top_model_add(top_model *m, const char *file, const stats *f, int64_t now) {
  bool known;
  size_t at = place_of(m, file, &known);
  top_pool *pools = memory_zeroed(f->pool_count + 1, sizeof *pools);
  top_process *p = known ? m->processes[at] : insert(m, at, file);
  int64_t elapsed = known                       ? now - p->read_at
                    : f->state == STATS_RUNNING ? f->process.time - f->process.start_time
                                                : ARROWPOOL_UNKNOWN;
  int64_t sums[TOP_COLUMNS];
  read_figures(NULL, &f->process, sums);
  for (size_t i = 0; i < f->pool_count; i++) {
    int64_t its[TOP_COLUMNS];
    const top_pool *before = find_pool(p, f->pools[i].name);
    memcpy(pools[i].name, f->pools[i].name, sizeof pools[i].name);
    if (before)
      pools[i].row = before->row;
    read_figures(&f->pools[i].stats, NULL, its);
    its[TOP_COLUMN_SHARE] = share_of(f->pools[i].stats.bytes_allocated, f->pools[i].stats.limit_bytes);
    update_row(&pools[i].row, its, !before, elapsed, now);
    for (int n = 0; n < TOP_COLUMNS; n++)
      sums[n] = stats_sum_known(sums[n], its[n]);
  }
  sums[TOP_COLUMN_SHARE] = share_of(sums[TOP_COLUMN_LIVE], f->process.limit_bytes);
  free(p->pools);
  p->pools = pools;
  p->pool_count = f->pool_count;
  memcpy(p->program, f->process.program, sizeof p->program);
  memcpy(p->name, f->process.job_name, sizeof p->name);
  memcpy(p->command, f->command, sizeof p->command);
  p->pid = f->process.pid;
  p->state = f->state;
  p->read_at = m->read_at = now;
  p->refresh = m->refresh;
  update_row(&p->row, sums, !known, elapsed, now);
  top_history_add(&p->resident, now, f->process.rss_bytes);
  count(m, p, f);
}

/* Drops what was not read again. */
static void end_refresh(top_model *m) {
  size_t kept = 0;
  for (size_t i = 0; i < m->count; i++) {
    top_process *p = m->processes[i];
    if (p->refresh == m->refresh) {
      m->processes[kept++] = p;
      continue;
    }
    if (m->chosen == p)
      m->chosen = NULL;
    free_process(p);
  }
  m->count = kept;
}

/* ---- sums by program ---- */

/* The groups are kept as a model's processes are, by their names. */
static top_process *group_of(top_model *groups, const top_process *p) {
  char key[PROGRAM_NAME_BYTES + JOB_NAME_BYTES + 1];
  bool known;
  snprintf(key, sizeof key, "%s\n%s", p->program, p->name);
  size_t at = place_of(groups, key, &known);
  top_process *g = known ? groups->processes[at] : insert(groups, at, key);
  if (g->refresh == groups->refresh)
    return g;
  g->refresh = groups->refresh;
  g->is_group = true;
  memcpy(g->program, p->program, sizeof g->program);
  memcpy(g->name, p->name, sizeof g->name);
  g->state = p->state;
  g->pid = 0;
  for (size_t i = 0; i <= g->pool_count; i++)
    for (int n = 0; n < TOP_COLUMNS; n++)
      (i < g->pool_count ? &g->pools[i].row : &g->row)->shown[n] = ARROWPOOL_UNKNOWN;
  return g;
}

/* Shares cannot be added up: the highest counts. */
static void add_row(top_row *to, const top_row *row) {
  for (int n = 0; n < TOP_COLUMNS; n++)
    if (n != TOP_COLUMN_SHARE)
      to->shown[n] = stats_sum_known(to->shown[n], row->shown[n]);
    else if (row->shown[n] > to->shown[n])
      to->shown[n] = row->shown[n];
}

static void add_to_group(top_process *g, const top_process *p) {
  g->state = STATS_RUNNING;
  g->pid++;
  add_row(&g->row, &p->row);
  for (size_t i = 0; i < p->pool_count; i++) {
    top_pool *pool = find_pool(g, p->pools[i].name);
    if (!pool) {
      g->pools = memory_grow(g->pools, g->pool_count + 1, sizeof *g->pools);
      pool = &g->pools[g->pool_count++];
      *pool = (top_pool){0};
      memcpy(pool->name, p->pools[i].name, sizeof pool->name);
      for (int n = 0; n < TOP_COLUMNS; n++)
        pool->row.shown[n] = ARROWPOOL_UNKNOWN;
    }
    add_row(&pool->row, &p->pools[i].row);
  }
}

/* Adds up what the processes showed at the last refresh. */
static void add_up_groups(top_model *m, int64_t now) {
  if (!m->groups)
    m->groups = memory_zeroed(1, sizeof *m->groups);
  m->groups->pools = m->pools;
  top_model_begin(m->groups);
  for (size_t i = 0; i < m->count; i++) {
    top_process *g = group_of(m->groups, m->processes[i]);
    if (m->processes[i]->state == STATS_RUNNING)
      add_to_group(g, m->processes[i]);
  }
  for (size_t i = 0; i < m->groups->count; i++) {
    top_process *g = m->groups->processes[i];
    top_history_add(&g->row.live, now, g->row.shown[TOP_COLUMN_LIVE]);
    top_history_add(&g->resident, now, g->row.shown[TOP_COLUMN_RSS]);
    for (size_t k = 0; k < g->pool_count; k++)
      top_history_add(&g->pools[k].row.live, now, g->pools[k].row.shown[TOP_COLUMN_LIVE]);
  }
  if (m->chosen && m->chosen->is_group && m->chosen->refresh != m->groups->refresh)
    m->chosen = NULL;
  end_refresh(m->groups);
}

void top_model_show_programs(top_model *m, bool shown) {
  top_model_drop_lines(m);
  m->by_program = shown;
  m->chosen = NULL;
  if (shown)
    add_up_groups(m, m->read_at);
}

void top_model_end(top_model *m) {
  end_refresh(m);
  if (m->by_program)
    add_up_groups(m, m->read_at);
}

void top_model_free(top_model *m) {
  for (size_t i = 0; i < m->count; i++)
    free_process(m->processes[i]);
  if (m->groups)
    top_model_free(m->groups);
  free(m->groups);
  free(m->processes);
  free(m->lines);
  *m = (top_model){0};
}
