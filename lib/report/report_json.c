/* Writes the json report: one object on one line, schema "arrowpool/1" (docs/use/statistics.md). */
#include "report/report.h"

#include "base/presence.h"
#include "counters/fields.h"

/* Writes `, "name": number`, and null where the number is unknown. */
static void field(writer *w, const char *name, int64_t number) {
  if (number == ARROWPOOL_UNKNOWN)
    writer_print(w, ",\"%s\":null", name);
  else
    writer_print(w, ",\"%s\":%ld", name, number);
}

static void text_field(writer *w, const char *name, const char *text) {
  writer_print(w, ",\"%s\":", name);
  writer_json_string(w, text);
}

static void write_process(writer *w, const snapshot_process *p) {
  writer_print(w, "{\"pid\":%ld", p->pid);
  text_field(w, "program", p->program);
  text_field(w, "host", p->host);
  if (*p->job_name)
    text_field(w, "name", p->job_name);
  if (presence_name(p->presence))
    text_field(w, "presence", presence_name(p->presence));
  writer_text(w, ",\"start_time\":");
  writer_milliseconds(w, p->start_time);
  if (p->time == ARROWPOOL_UNKNOWN) {
    field(w, "time", p->time);
  } else {
    writer_text(w, ",\"time\":");
    writer_milliseconds(w, p->time);
  }
#define X(name, unit, type, metric, help) field(w, #name, p->name);
  FIELDS_OF_PROCESS(X)
  FIELDS_OF_JEMALLOC(X)
#undef X
  writer_text(w, "}");
}

/* Writes a histogram without its empty buckets, and null where it is not known. */
static void write_histogram(writer *w, const char *name, const int64_t *buckets) {
  const char *separator = "";
  if (buckets[0] == ARROWPOOL_UNKNOWN) {
    field(w, name, ARROWPOOL_UNKNOWN);
    return;
  }
  writer_print(w, ",\"%s\":[", name);
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++) {
    if (!buckets[i])
      continue;
    writer_print(w, "%s{\"from_bytes\":%ld,\"count\":%ld}", separator, INT64_C(1) << i, buckets[i]);
    separator = ",";
  }
  writer_text(w, "]");
}

static void write_pool(writer *w, const pool_view *p) {
  writer_text(w, "{\"name\":");
  writer_json_string(w, p->name);
  text_field(w, "backend", p->backend);
  text_field(w, "size_basis", pool_view_size_basis(p));
#define X(name, unit, type, metric, help) field(w, #name, p->stats.name);
  FIELDS_OF_POOL(X)
#undef X
  write_histogram(w, "size_histogram", p->stats.size_histogram);
  write_histogram(w, "live_histogram", p->stats.live_histogram);
  field(w, "bytes_before_end", p->end.bytes);
  write_histogram(w, "histogram_before_end", p->end.histogram);
  writer_text(w, "}");
}

void report_json(writer *w, const report_subject *subject) {
  writer_text(w, "{\"schema\":\"arrowpool/1\",\"version\":\"" ARROWPOOL_VERSION "\",\"process\":");
  write_process(w, subject->process);
  writer_text(w, ",\"pools\":[");
  const pool_view *pool;
  const char *separator = "";
  for (unsigned index = 0; (pool = report_next_pool(subject, &index)) != NULL; separator = ",") {
    writer_text(w, separator);
    write_pool(w, pool);
  }
  writer_text(w, "]}\n");
}
