/* Writes the prometheus report: text exposition format 0.0.4, one family of metrics after the other, as the
 * format asks. Program, process number and the job's name are labels, so that the files of many processes
 * make one page. */
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

void report_prometheus_head(writer *w, const char *prefix, const report_family *f) {
  writer_print(w, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, f->name, f->help, prefix, f->name, f->type);
}

void report_label(writer *w, const char **separator, const char *name, const char *value) {
  writer_print(w, "%s%s=", *separator, name);
  writer_label(w, value);
  *separator = ",";
}

/* Writes `arrowpool_NAME{program="...",pid="..."`, without the closing brace. */
static void labels(writer *w, const report_family *f, const snapshot_process *process) {
  writer_print(w, REPORT_PREFIX "%s{program=", f->name);
  writer_label(w, process->program);
  writer_print(w, ",pid=\"%ld\"", process->pid);
  if (*process->job_name) {
    writer_text(w, ",name=");
    writer_label(w, process->job_name);
  }
}

static void of_process(writer *w, const snapshot_process *process, const report_family *f) {
  int64_t value = report_family_value(f, process);
  if (value == ARROWPOOL_UNKNOWN)
    return;
  report_prometheus_head(w, REPORT_PREFIX, f);
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
      report_prometheus_head(w, REPORT_PREFIX, f);
    any = true;
    labels(w, f, subject->process);
    writer_text(w, ",pool=");
    writer_label(w, pool->name);
    writer_text(w, ",backend=");
    writer_label(w, pool->backend);
    writer_print(w, "} %ld\n", value);
  }
}

void report_prometheus(writer *w, const report_subject *subject) {
  for (size_t i = 0; i < REPORT_PROCESS_FAMILIES; i++)
    of_process(w, subject->process, &report_process_families[i]);
  for (size_t i = 0; i < REPORT_POOL_FAMILIES; i++)
    of_pools(w, subject, &report_pool_families[i]);
}
