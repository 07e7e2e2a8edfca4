/* Adds up the figures of processes by group, and sorts the groups. */
#include "cli/stats/merge.h"

#include "cli/base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *const merge_field_names[MERGE_FIELD_COUNT] = {
#define X(name, unit, type, metric, help) [MERGE_##name] = #name,
    MERGE_FIELDS(X)
#undef X
};

static void merge_add_part(merge_sum *sum, int64_t part) {
  sum->parts++;
  if (part == ARROWPOOL_UNKNOWN) {
    sum->unknown++;
  } else if (__builtin_add_overflow(sum->known, part, &sum->known)) {
    sum->known = INT64_MAX;
    sum->unknown++;
  }
}

int64_t merge_sum_value(const merge_sum *sum, int64_t *at_least) {
  *at_least = sum->unknown && sum->unknown < sum->parts ? sum->known : ARROWPOOL_UNKNOWN;
  return sum->unknown ? ARROWPOOL_UNKNOWN : sum->known;
}

/* ---- keys ---- */

bool merge_parse_by(const char *text, unsigned allowed, unsigned *by) {
  static const char *const words[] = {"pool", "name", "host", "program", "process"};
  enum { COUNT = sizeof words / sizeof *words };
  for (const char *word = text;; word++) {
    size_t length = strcspn(word, ","), key = 0;
    while (key < COUNT && (strlen(words[key]) != length || strncmp(words[key], word, length) != 0))
      key++;
    if (key == COUNT || !(allowed & 1u << key))
      return false;
    *by |= 1u << key;
    word += length;
    if (!*word)
      return true;
  }
}

/* ---- groups ---- */

static merge_group key_of(const merge *m, const stats *f, const pool_view *pool) {
  merge_group key;
  memset(&key, 0, sizeof key); /* keys are compared as bytes */
  bool process = m->by & MERGE_PROCESS;
  if (m->by & MERGE_POOL)
    strcpy(key.pool, pool->name);
  if (m->by & MERGE_NAME)
    strcpy(key.name, f->process.job_name);
  if (process || m->by & MERGE_HOST)
    strcpy(key.host, f->process.host);
  if (process || m->by & MERGE_PROGRAM)
    strcpy(key.program, f->process.program);
  if (process) {
    key.pid = f->process.pid;
    key.start_time = f->process.start_time;
  }
  return key;
}

#define KEY_BYTES offsetof(merge_group, states)

static uint64_t hash_key(const void *group) { return hash_index_hash(HASH_INDEX_START, group, KEY_BYTES); }

static bool same_key(const void *a, const void *b) { return memcmp(a, b, KEY_BYTES) == 0; }

static const hash_index_kind by_key = {sizeof(merge_group), hash_key, same_key};

static merge_group *group_of(merge *m, const stats *f, const pool_view *pool) {
  merge_group key = key_of(m, f, pool), *group = hash_index_find(&m->groups, &by_key, &key);
  return group ? group : hash_index_add(&m->groups, &by_key, &key);
}

/* Adds a pool's peak. Where pools of one process meet in a group, its peak there is the sum of theirs. */
static void add_peak(merge_group *g, int64_t peak, bool is_new) {
  if (is_new) {
    if (g->peak_count == g->peak_room) {
      g->peak_room = g->peak_room ? g->peak_room * 2 : 1;
      g->peaks = memory_grow(g->peaks, g->peak_room, sizeof *g->peaks);
    }
    g->peaks[g->peak_count++] = peak;
    return;
  }
  int64_t *sum = &g->peaks[g->peak_count - 1];
  if (*sum == ARROWPOOL_UNKNOWN || peak == ARROWPOOL_UNKNOWN || __builtin_add_overflow(*sum, peak, sum))
    *sum = ARROWPOOL_UNKNOWN;
}

static void add_pool(merge *m, const stats *f, const pool_view *pool) {
  const arrowpool_stats *v = &pool->stats;
  merge_group *g = group_of(m, f, pool);
  bool is_new = g->latest != m->processes;
  g->latest = m->processes;
  if (is_new) {
    merge_add_part(&g->sums[MERGE_processes], 1);
    g->states[f->state]++;
  }
#define X(name, unit, type, metric, help) merge_add_part(&g->sums[MERGE_##name], v->name);
  FIELDS_DERIVED(X)
  FIELDS_STORED(X)
#undef X
  merge_add_part(&g->sums[MERGE_inherited_bytes], v->inherited_bytes);
  merge_add_part(&g->sums[MERGE_max_memory_sum], v->max_memory);
  add_peak(g, v->max_memory, is_new);
}

void merge_add(merge *m, const stats *f) {
  m->processes++;
  m->states[f->state]++;
  m->lost += f->lost;
  merge_add_part(&m->peak_rss, f->process.peak_rss_bytes);
  if (f->process.peak_rss_bytes > m->highest_rss)
    m->highest_rss = f->process.peak_rss_bytes;
  for (size_t i = 0; i < f->pool_count; i++)
    add_pool(m, f, &f->pools[i]);
}

/* ---- results ---- */

static int by_size(const void *a, const void *b) {
  int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
  return (one > other) - (one < other);
}

/* Returns the peak that `percent` of the processes do not exceed (nearest rank). Unknown ones come first. */
static int64_t percentile(const merge_group *g, size_t percent) {
  return g->peaks[0] == ARROWPOOL_UNKNOWN ? ARROWPOOL_UNKNOWN
                                          : g->peaks[(g->peak_count * percent + 99) / 100 - 1];
}

int64_t merge_value(const merge_group *g, merge_field field, int64_t *at_least) {
  *at_least = ARROWPOOL_UNKNOWN;
  switch (field) {
  case MERGE_max_memory_highest:
    *at_least = g->peaks[0] == ARROWPOOL_UNKNOWN ? g->peaks[g->peak_count - 1] : ARROWPOOL_UNKNOWN;
    return percentile(g, 100);
  case MERGE_max_memory_p50:
    return percentile(g, 50);
  case MERGE_max_memory_p90:
    return percentile(g, 90);
  case MERGE_max_memory_p99:
    return percentile(g, 99);
  default:
    return merge_sum_value(&g->sums[field], at_least);
  }
}

static int by_name(const merge_group *a, const merge_group *b) {
  int order = strcmp(a->name, b->name);
  order = order ? order : strcmp(a->host, b->host);
  order = order ? order : strcmp(a->program, b->program);
  order = order ? order : (a->pid > b->pid) - (a->pid < b->pid);
  order = order ? order : (a->start_time > b->start_time) - (a->start_time < b->start_time);
  return order ? order : strcmp(a->pool, b->pool);
}

/* Returns what is known of a field: its value, or its bound. ARROWPOOL_UNKNOWN is less than any. */
static int64_t least(const merge_group *g, merge_field field) {
  int64_t at_least, value = merge_value(g, field, &at_least);
  return value == ARROWPOOL_UNKNOWN ? at_least : value;
}

static int by_field(const void *a, const void *b, void *field) {
  merge_field sort = *(merge_field *)field;
  if (sort == MERGE_FIELD_COUNT)
    return by_name(a, b);
  int64_t one = least(a, sort), other = least(b, sort);
  return one == other ? by_name(a, b) : one > other ? -1 : 1;
}

void merge_finish(merge *m, merge_field sort) {
  merge_group *groups = m->groups.entries;
  for (size_t i = 0; i < m->groups.count; i++)
    qsort(groups[i].peaks, groups[i].peak_count, sizeof *groups[i].peaks, by_size);
  if (groups)
    qsort_r(groups, m->groups.count, sizeof *groups, by_field, &sort);
}

void merge_clear(merge *m) {
  for (size_t i = 0; i < m->groups.count; i++)
    free(merge_group_at(m, i)->peaks);
  hash_index_free(&m->groups);
  *m = (merge){.by = m->by};
}
