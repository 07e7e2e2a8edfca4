/* Names states, and prints the statistics of one process. */
#include "cli/stats/stats.h"

#include <stdio.h>
#include <stdlib.h>

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

bool stats_pool_used(const pool_view *p) {
  const arrowpool_stats *v = &p->stats;
  return v->num_allocations > 0 || v->num_frees > 0 || v->num_failed > 0 || v->num_fallbacks > 0 ||
         v->num_reallocations > 0 || v->inherited_bytes > 0;
}

/* ---- as the library's own reports have it ---- */

static const pool_view *next_pool(void *context, unsigned *index) {
  const stats *f = context;
  return *index < f->pool_count ? &f->pools[(*index)++] : NULL;
}

report_subject stats_subject(const stats *f) {
  return (report_subject){&f->process, next_pool, (void *)(uintptr_t)f};
}

int stats_write_to_stdout(void *context, const char *text, size_t size) {
  (void)context;
  return fwrite(text, 1, size, stdout) != size;
}

bool stats_print(const stats *f, arrowpool_format format) {
  report_subject subject = stats_subject(f);
  writer w;
  writer_init(&w, stats_write_to_stdout, NULL);
  report_write_as(format, &w, &subject);
  return writer_finish(&w);
}
