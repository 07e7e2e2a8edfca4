/* Writes the prometheus report: text exposition format 0.0.4, one family of metrics after the other, as the
 * format asks. Program and process number are labels, so that the files of many processes make one page. */
#include "report/report.h"

const report_family report_process_families[REPORT_PROCESS_FAMILIES] = {
#define X(name, unit, type, metric, help) {metric, #type, help, offsetof(snapshot_process, name), false},
    FIELDS_OF_PROCESS(X)
#undef X
        {"start_time_seconds", "gauge", "When the process, or the fork that made it, began.",
         offsetof(snapshot_process, start_time), true},
};

const report_family report_pool_families[REPORT_POOL_FAMILIES] = {
#define X(name, unit, type, metric, help) {metric, #type, help, offsetof(arrowpool_stats, name), false},
    FIELDS_OF_POOL(X)
#undef X
};

void report_prometheus_head(writer *w, const report_family *f) {
  const char *const pieces[] = {
      "# HELP arrowpool_", f->name, " ", f->help, "\n# TYPE arrowpool_", f->name, " ", f->type, "\n"};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
    writer_text(w, pieces[i]);
}

/* Writes `arrowpool_NAME{program="...",pid="..."`, without the closing brace. */
static void labels(writer *w, const report_family *f, const snapshot_process *process) {
  writer_text(w, "arrowpool_");
  writer_text(w, f->name);
  writer_text(w, "{program=");
  writer_label(w, process->program);
  writer_text(w, ",pid=\"");
  writer_int(w, process->pid);
  writer_text(w, "\"");
}

static void of_process(writer *w, const snapshot_process *process, const report_family *f) {
  int64_t value = report_family_value(f, process);
  if (value == ARROWPOOL_UNKNOWN)
    return;
  report_prometheus_head(w, f);
  labels(w, f, process);
  writer_text(w, "} ");
  (f->is_time ? writer_milliseconds : writer_int)(w, value);
  writer_text(w, "\n");
}

static void of_pools(writer *w, const report_subject *subject, const report_family *f) {
  const pool_view *pool;
  bool any = false;
  for (unsigned index = 0; (pool = report_next_pool(subject, &index)) != NULL;) {
    int64_t value = report_family_value(f, &pool->stats);
    if (value == ARROWPOOL_UNKNOWN)
      continue;
    if (!any)
      report_prometheus_head(w, f);
    any = true;
    labels(w, f, subject->process);
    writer_text(w, ",pool=");
    writer_label(w, pool->name);
    writer_text(w, ",backend=");
    writer_label(w, pool->backend);
    writer_text(w, "} ");
    writer_int(w, value);
    writer_text(w, "\n");
  }
}

void report_prometheus(writer *w, const report_subject *subject) {
  for (size_t i = 0; i < REPORT_PROCESS_FAMILIES; i++)
    of_process(w, subject->process, &report_process_families[i]);
  for (size_t i = 0; i < REPORT_POOL_FAMILIES; i++)
    of_pools(w, subject, &report_pool_families[i]);
}
