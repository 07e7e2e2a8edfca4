/* The prometheus report: text exposition format 0.0.4, one family of metrics after the other, as it asks for.
 * Program and process number are labels, so that the files of many processes make one page. */
#include "report.h"

typedef struct family {
  const char *name, *type, *help;
  size_t offset; /* in arrowpool_stats */
} family;

#define GAUGE(name, field, help)                                                                             \
  { name, "gauge", help, offsetof(arrowpool_stats, field) }
#define COUNTER(name, field, help)                                                                           \
  { name "_total", "counter", help, offsetof(arrowpool_stats, field) }

static const family families[] = {
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

static void head(writer *w, const char *name, const char *type, const char *help) {
  const char *const pieces[] = {
      "# HELP arrowpool_", name, " ", help, "\n# TYPE arrowpool_", name, " ", type, "\n"};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
    writer_text(w, pieces[i]);
}

/* `arrowpool_NAME{program="...",pid="..."`, without the closing brace. */
static void labels(writer *w, const char *name, const snapshot_process *process) {
  writer_text(w, "arrowpool_");
  writer_text(w, name);
  writer_text(w, "{program=");
  writer_label(w, process->program);
  writer_text(w, ",pid=\"");
  writer_int(w, process->pid);
  writer_text(w, "\"");
}

static void of_process(writer *w, const snapshot_process *process, const char *name, const char *help,
                       int64_t value) {
  if (value == ARROWPOOL_UNKNOWN)
    return;
  head(w, name, "gauge", help);
  labels(w, name, process);
  writer_text(w, "} ");
  writer_int(w, value);
  writer_text(w, "\n");
}

static void of_pools(writer *w, const report_subject *subject, const family *f) {
  snapshot_pool pool;
  bool any = false;
  for (unsigned index = 0; report_next_pool(subject, &index, &pool);) {
    int64_t value = *(const int64_t *)(const void *)((const char *)&pool.stats + f->offset);
    if (value == ARROWPOOL_UNKNOWN)
      continue;
    if (!any)
      head(w, f->name, f->type, f->help);
    any = true;
    labels(w, f->name, subject->process);
    writer_text(w, ",pool=");
    writer_label(w, pool.name);
    writer_text(w, ",backend=");
    writer_label(w, pool.backend);
    writer_text(w, "} ");
    writer_int(w, value);
    writer_text(w, "\n");
  }
}

void report_prometheus(writer *w, const report_subject *subject) {
  const snapshot_process *process = subject->process;
  of_process(w, process, "resident_bytes", "Resident memory of the process.", process->rss_bytes);
  of_process(w, process, "peak_resident_bytes", "Peak of resident memory.", process->peak_rss_bytes);
  of_process(w, process, "warm_bytes", "Freed, kept for the next buffer until the decay time is over.",
             process->warm_bytes);
  of_process(w, process, "limit_bytes", "Most that may be live in all pools.", process->limit_bytes);
  head(w, "start_time_seconds", "gauge", "When the process, or the fork that made it, began.");
  labels(w, "start_time_seconds", process);
  writer_text(w, "} ");
  writer_milliseconds(w, process->start_time);
  writer_text(w, "\n");
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    of_pools(w, subject, &families[i]);
}
