/* Writes the prometheus report of many processes: text exposition format 0.0.4. It has names of its own,
 * arrowpool_report_..., since these are sums over processes, some of which are gone. What is not known is
 * left out. */
#include "cli/stats/merge.h"

#define NAME "arrowpool_report_"

/* The peaks are without a metric: they are a summary. */
static const report_family families[MERGE_FIELD_COUNT] = {
#define X(name, unit, type, metric, help) [MERGE_##name] = {metric, #type, help, 0, false},
    MERGE_FIELDS(X)
#undef X
};

static void head(writer *w, const char *name, const char *type, const char *help) {
  report_prometheus_head(w, NAME, &(report_family){.name = name, .type = type, .help = help});
}

/* Writes one sample of a group; `quantile` may be NULL. */
static void sample(writer *w, const merge *m, const merge_group *g, const char *name, const char *suffix,
                   const char *quantile, int64_t value) {
  const char *separator = "{";
  char number[24];
  bool process = m->by & MERGE_PROCESS;
  writer_print(w, NAME "%s%s", name, suffix);
  if (m->by & MERGE_POOL)
    report_label(w, &separator, "pool", g->pool);
  if (m->by & MERGE_NAME)
    report_label(w, &separator, "name", g->name);
  if (process || m->by & MERGE_HOST)
    report_label(w, &separator, "host", g->host);
  if (process || m->by & MERGE_PROGRAM)
    report_label(w, &separator, "program", g->program);
  if (process) {
    writer_format_int(number, g->pid);
    report_label(w, &separator, "pid", number);
    /* Process numbers come back: the start time (milliseconds) tells such processes apart. */
    writer_format_int(number, g->start_time);
    report_label(w, &separator, "start", number);
  }
  if (quantile)
    report_label(w, &separator, "quantile", quantile);
  writer_print(w, "} %ld\n", value);
}

static void of_groups(writer *w, const merge_report *r, merge_field family) {
  int64_t unused;
  bool headed = false;
  for (size_t i = 0; i < r->merge->groups.count && i < r->top; i++) {
    const merge_group *g = merge_group_at(r->merge, i);
    int64_t value = merge_value(g, family, &unused);
    if (value == ARROWPOOL_UNKNOWN)
      continue;
    if (!headed)
      report_prometheus_head(w, NAME, &families[family]);
    headed = true;
    sample(w, r->merge, g, families[family].name, "", NULL, value);
  }
}

/* Writes the peaks: a summary, with the percentiles as its quantiles. */
static void peaks(writer *w, const merge_report *r) {
  static const struct {
    merge_field field;
    const char *quantile;
  } quantiles[] = {
      {MERGE_max_memory_p50, "0.5"}, {MERGE_max_memory_p90, "0.9"}, {MERGE_max_memory_p99, "0.99"}};
  static const char name[] = "max_memory_bytes";
  int64_t unused;
  bool headed = false;
  for (size_t i = 0; i < r->merge->groups.count && i < r->top; i++) {
    const merge_group *g = merge_group_at(r->merge, i);
    int64_t sum = merge_value(g, MERGE_max_memory_sum, &unused);
    if (sum == ARROWPOOL_UNKNOWN)
      continue;
    if (!headed)
      head(w, name, "summary", "Peaks of bytes_allocated, over the processes.");
    headed = true;
    for (size_t q = 0; q < sizeof quantiles / sizeof *quantiles; q++)
      sample(w, r->merge, g, name, "", quantiles[q].quantile, merge_value(g, quantiles[q].field, &unused));
    sample(w, r->merge, g, name, "_sum", NULL, sum);
    sample(w, r->merge, g, name, "_count", NULL, (int64_t)g->peak_count);
  }
}

static void of_processes(writer *w, const merge *m) {
  int64_t unused, sum = merge_sum_value(&m->peak_rss, &unused);
  head(w, "found_processes", "gauge", "Processes found, by what became of them.");
  for (int state = 0; state < STATS_STATES; state++)
    writer_print(w, NAME "found_processes{state=\"%s\"} %ld\n", stats_state_name((stats_state)state),
                 m->states[state]);
  if (sum == ARROWPOOL_UNKNOWN)
    return;
  head(w, "peak_resident_bytes", "gauge", "Sum of the processes' peaks of resident memory.");
  writer_print(w, NAME "peak_resident_bytes %ld\n", sum);
}

void merge_write_prometheus(writer *w, const merge_report *r) {
  of_processes(w, r->merge);
  peaks(w, r);
  for (merge_field family = 0; family < MERGE_FIELD_COUNT; family++)
    if (families[family].name)
      of_groups(w, r, family);
}
