/* Writes the prometheus report: text exposition format 0.0.4, one family of metrics after the other, as the
 * format asks. Program and process number are labels, so that the files of many processes make one page. */
#include "report/report.h"

#define PROCESS(name, field, help)                                                                           \
  { name, "gauge", help, offsetof(snapshot_process, field), false }
#define GAUGE(name, field, help)                                                                             \
  { name, "gauge", help, offsetof(arrowpool_stats, field), false }
#define COUNTER(name, field, help)                                                                           \
  { name "_total", "counter", help, offsetof(arrowpool_stats, field), false }

const report_family report_process_families[REPORT_PROCESS_FAMILIES] = {
    PROCESS("resident_bytes", rss_bytes, "Resident memory of the process."),
    PROCESS("peak_resident_bytes", peak_rss_bytes, "Peak of resident memory."),
    PROCESS("idle_bytes", idle_bytes, "Freed, kept for the next buffer until the decay time is over."),
    PROCESS("limit_bytes", limit_bytes, "Most that may be live in all pools."),
    {"start_time_seconds", "gauge", "When the process, or the fork that made it, began.",
     offsetof(snapshot_process, start_time), true},
};

const report_family report_pool_families[REPORT_POOL_FAMILIES] = {
    GAUGE("bytes_allocated", bytes_allocated, "Bytes live now."),
    GAUGE("max_memory_bytes", max_memory, "Peak of bytes_allocated."),
    GAUGE("pool_limit_bytes", limit_bytes, "Most that may be live in the pool."),
    GAUGE("inherited_bytes", inherited_bytes, "Bytes live at the fork that made the process."),
    COUNTER("allocated_bytes", total_bytes_allocated,
            "Sum over all allocations; growth adds its difference."),
    COUNTER("allocations", num_allocations, "Allocations and growing reallocations."),
    COUNTER("reallocations", num_reallocations, "Successful reallocations."),
    COUNTER("frees", num_frees, "Frees."),
    COUNTER("failed", num_failed, "Requests refused for lack of memory."),
    COUNTER("fallbacks", num_fallbacks, "Requests passed on to the system allocator."),
    COUNTER("reallocations_in_place", reallocs_in_place, "Reallocations in which no byte moved."),
    COUNTER("reallocations_remapped", reallocs_remapped, "Reallocations in which pages moved."),
    COUNTER("reallocations_copied", reallocs_copied, "Reallocations in which bytes were copied."),
    COUNTER("grown_in_place_bytes", bytes_grown_in_place, "Old bytes that stayed where they were."),
    COUNTER("remapped_bytes", bytes_remapped, "Old bytes moved by page tables."),
    COUNTER("copied_bytes", bytes_copied, "Old bytes copied."),
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
  const snapshot_pool *pool;
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
