/* Keeps processes and pools from one refresh to the next. The order and choice of lines is in lines.c. */
#include "cli/top/model.h"

#include "cli/base/memory.h"

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
    update_row(&pools[i].row, its, !before, elapsed, now);
    for (int n = 0; n < TOP_COLUMNS; n++)
      sums[n] = stats_sum_known(sums[n], its[n]);
  }
  free(p->pools);
  p->pools = pools;
  p->pool_count = f->pool_count;
  memcpy(p->program, f->process.program, sizeof p->program);
  memcpy(p->command, f->command, sizeof p->command);
  p->pid = f->process.pid;
  p->state = f->state;
  p->read_at = now;
  p->refresh = m->refresh;
  update_row(&p->row, sums, !known, elapsed, now);
  top_history_add(&p->resident, now, f->process.rss_bytes);
  count(m, p, f);
}

void top_model_end(top_model *m) {
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

void top_model_free(top_model *m) {
  for (size_t i = 0; i < m->count; i++)
    free_process(m->processes[i]);
  free(m->processes);
  free(m->lines);
  *m = (top_model){0};
}
