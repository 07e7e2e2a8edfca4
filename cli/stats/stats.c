/* See stats.h. */
#include "cli/stats/stats.h"

#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stats_free(stats *f) {
  free(f->pools);
  f->pools = NULL;
  f->pool_count = 0;
}

const char *stats_state_name(stats_state state) {
  static const char *const names[] = {[STATS_RUNNING] = "running",
                                      [STATS_ENDED] = "ended",
                                      [STATS_GONE] = "gone",
                                      [STATS_REPLACED] = "replaced",
                                      [STATS_UNKNOWN] = "unknown"};
  return names[state];
}

bool stats_pool_used(const stats_pool *p) {
  const stats_values *v = &p->values;
  return v->num_allocations > 0 || v->num_frees > 0 || v->num_failed > 0 || v->num_fallbacks > 0 ||
         v->num_reallocations > 0 || v->inherited_bytes > 0;
}

/* ---- as the library's own reports have it ---- */

/* One thread makes reports. */
static const snapshot_pool *next_pool(void *context, unsigned *index) {
  static snapshot_pool pool, *const out = &pool;
  const stats *f = context;
  if (*index >= f->pool_count)
    return NULL;
  const stats_pool *p = &f->pools[(*index)++];
  memcpy(out->name, p->name, sizeof out->name);
  out->backend = p->backend;
  out->counts_requested = strcmp(p->size_basis, "usable") != 0;
  out->stats.struct_size = sizeof out->stats;
#define X(name, unit, help) out->stats.name = p->values.name;
  STATS_FIELDS(X)
#undef X
  memcpy(out->stats.size_histogram, p->size_histogram, sizeof p->size_histogram);
  memcpy(out->stats.live_histogram, p->live_histogram, sizeof p->live_histogram);
  return out;
}

static int write_to_stdout(void *context, const char *text, size_t size) {
  (void)context;
  return fwrite(text, 1, size, stdout) != size;
}

void stats_describe(const stats *f, snapshot_process *process, report_subject *subject) {
  *process = (snapshot_process){
      .pid = f->pid,
      .start_time = f->start_time,
      .time = f->time,
      .rss_bytes = f->rss_bytes,
      .peak_rss_bytes = f->peak_rss_bytes,
      .idle_bytes = f->idle_bytes,
      .limit_bytes = f->limit_bytes,
      .has_jemalloc = f->jemalloc_active_bytes != ARROWPOOL_UNKNOWN,
      .jemalloc = {f->jemalloc_active_bytes, f->jemalloc_resident_bytes, f->jemalloc_metadata_bytes}};
  memcpy(process->program, f->program, sizeof process->program);
  memcpy(process->host, f->host, sizeof process->host);
  *subject = (report_subject){process, next_pool, (void *)(uintptr_t)f};
}

bool stats_print(const stats *f, arrowpool_format format) {
  static void (*const formats[])(writer *, const report_subject *) = {
      [ARROWPOOL_FORMAT_TEXT] = report_text,
      [ARROWPOOL_FORMAT_JSON] = report_json,
      [ARROWPOOL_FORMAT_PROMETHEUS] = report_prometheus,
  };
  snapshot_process process;
  report_subject subject;
  stats_describe(f, &process, &subject);
  writer w;
  writer_init(&w, write_to_stdout, NULL);
  formats[format](&w, &subject);
  return writer_finish(&w);
}
