/* Collects time series from dumps, and puts them in order. */
#include "cli/plot/series.h"

#include "cli/base/memory.h"
#include "cli/stats/processes.h"

#include <stdlib.h>
#include <string.h>

static series *plot_series_find(series_set *set, const stats *f) {
  for (size_t i = 0; i < set->count; i++)
    if (processes_same(&set->items[i].process, &f->process))
      return &set->items[i];
  set->items = memory_grow(set->items, set->count + 1, sizeof *set->items);
  series *s = &set->items[set->count++];
  *s = (series){.process = f->process};
  return s;
}

/* Pools that cannot tell are left out: their sum with the others would be unknown for ever. */
static void add(int64_t *sum, int64_t part) { *sum = stats_sum_known(*sum, part); }

static series_pool *pool_of(series *s, const char *name) {
  for (size_t i = 0; i < s->pool_count; i++)
    if (strcmp(s->pools[i].name, name) == 0)
      return &s->pools[i];
  s->pools = memory_grow(s->pools, s->pool_count + 1, sizeof *s->pools);
  series_pool *pool = &s->pools[s->pool_count++];
  *pool = (series_pool){0};
  memcpy(pool->name, name, sizeof pool->name);
  return pool;
}

/* The dump at exit comes when Python has freed what its variables held: it would hide a leak. So the last
 * point is of when Python began to end, and what it freed since was live then, and not idle. */
static int64_t freed_since_end(const pool_view *pool) {
  int64_t live = pool->stats.bytes_allocated > 0 ? pool->stats.bytes_allocated : 0;
  return pool->end.bytes > live ? pool->end.bytes - live : 0;
}

static int64_t live_of(const pool_view *pool) {
  int64_t live = pool->stats.bytes_allocated;
  return live == ARROWPOOL_UNKNOWN ? live : stats_sum_known(live, freed_since_end(pool));
}

static int64_t idle_of(const stats *f) {
  int64_t idle = f->process.idle_bytes;
  for (size_t i = 0; i < f->pool_count && idle > 0; i++)
    idle -= freed_since_end(&f->pools[i]);
  return idle == ARROWPOOL_UNKNOWN || idle > 0 ? idle : 0;
}

/* Adds a point to each pool, also to those that are not there any more, or have not been until now. */
static void add_to_pools(series *s, const series_set *set, const stats *f) {
  for (size_t i = 0; i < f->pool_count; i++)
    if (!set->pool || strcmp(set->pool, f->pools[i].name) == 0)
      pool_of(s, f->pools[i].name);
  for (size_t i = 0; i < s->pool_count; i++) {
    series_pool *pool = &s->pools[i];
    size_t known = pool->room ? s->count : 0;
    while (pool->room <= s->count)
      pool->live = memory_one_more(pool->live, pool->room, &pool->room, sizeof *pool->live);
    for (; known <= s->count; known++)
      pool->live[known] = ARROWPOOL_UNKNOWN;
    for (size_t k = 0; k < f->pool_count; k++)
      if (strcmp(pool->name, f->pools[k].name) == 0)
        pool->live[s->count] = live_of(&f->pools[k]);
  }
}

double series_rate(const series *s, size_t i, series_field field) {
  int64_t now = s->points[i].values[field];
  int64_t before = i ? s->points[i - 1].values[field] : ARROWPOOL_UNKNOWN;
  if (now == ARROWPOOL_UNKNOWN || before == ARROWPOOL_UNKNOWN || now < before)
    return -1;
  return (double)(now - before) * 1000 / (double)(s->points[i].time - s->points[i - 1].time);
}

/* Notes which pools there are besides the one that is asked for. */
static void note_other(series_set *set, const char *name) {
  size_t used = strlen(set->pool_names), length = strlen(name);
  for (const char *at = set->pool_names; (at = strstr(at, name)) != NULL; at += length)
    if ((at == set->pool_names || at[-1] == ' ') && strchr(",", at[length]))
      return;
  if (used + length + 3 < sizeof set->pool_names)
    snprintf(set->pool_names + used, sizeof set->pool_names - used, "%s%s", used ? ", " : "", name);
}

static series_point point_of(series_set *set, const stats *f) {
  series_point p = {.time = f->process.time};
  for (int i = 0; i < SERIES_FIELD_COUNT; i++)
    p.values[i] = ARROWPOOL_UNKNOWN;
  p.values[SERIES_resident] = f->process.rss_bytes;
  p.values[SERIES_idle] = idle_of(f);
  p.values[SERIES_limit] = set->pool ? ARROWPOOL_UNKNOWN : f->process.limit_bytes;
  for (size_t i = 0; i < f->pool_count; i++) {
    const pool_view *pool = &f->pools[i];
    if (set->pool && strcmp(set->pool, pool->name) != 0) {
      note_other(set, pool->name);
      continue;
    }
    set->pool_found = true;
    if (set->pool)
      p.values[SERIES_limit] = pool->stats.limit_bytes;
    add(&p.values[SERIES_live], live_of(pool));
    add(&p.values[SERIES_in_place], pool->stats.bytes_grown_in_place);
    add(&p.values[SERIES_remapped], pool->stats.bytes_remapped);
    add(&p.values[SERIES_copied], pool->stats.bytes_copied);
  }
  return p;
}

void series_add(series_set *set, const stats *f) {
  series *s = plot_series_find(set, f);
  if (f->process.time == ARROWPOOL_UNKNOWN || (s->count && s->points[s->count - 1].time >= f->process.time))
    return;
  add_to_pools(s, set, f);
  s->points = memory_one_more(s->points, s->count, &s->room, sizeof *s->points);
  s->points[s->count++] = point_of(set, f);
}

static void free_series(series *s) {
  for (size_t i = 0; i < s->pool_count; i++)
    free(s->pools[i].live);
  free(s->pools);
  free(s->points);
}

static int by_begin(const void *a, const void *b) {
  const series *one = a, *other = b;
  int order = (one->points[0].time > other->points[0].time) - (one->points[0].time < other->points[0].time);
  return order ? order : (one->process.pid > other->process.pid) - (one->process.pid < other->process.pid);
}

void series_finish(series_set *set) {
  size_t kept = 0;
  for (size_t i = 0; i < set->count; i++)
    if (set->items[i].count >= 2)
      set->items[kept++] = set->items[i];
    else
      free_series(&set->items[i]);
  set->count = kept;
  if (kept)
    qsort(set->items, kept, sizeof *set->items, by_begin);
}

void series_free(series_set *set) {
  for (size_t i = 0; i < set->count; i++)
    free_series(&set->items[i]);
  free(set->items);
  set->items = NULL;
  set->count = 0;
}
