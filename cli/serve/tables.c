/* Makes the rows of processes and pools for `arrowpool serve`: labels and values of one process's figures. */
#include "cli/serve/files.h"
#include "cli/stats/merge.h"

#include <string.h>

void serve_tables_init(serve_tables *t) {
  *t = (serve_tables){
      .processes = {.families = report_process_families, .family_count = REPORT_PROCESS_FAMILIES},
      .pools = {.families = report_pool_families, .family_count = REPORT_POOL_FAMILIES}};
}

void serve_tables_clear(serve_tables *t) {
  serve_rows_clear(&t->processes);
  serve_rows_clear(&t->pools);
}

/* ---- labels ---- */

typedef struct labels {
  writer writer;
  const char *separator;
  char text[SERVE_LABELS];
  size_t size;
} labels;

/* Names are at most 72 bytes long, and three times that when each byte becomes U+FFFD: they fit. */
static int serve_tables_append(void *context, const char *text, size_t size) {
  labels *l = context;
  if (size >= sizeof l->text - l->size)
    return 1;
  memcpy(l->text + l->size, text, size);
  l->size += size;
  return 0;
}

static void serve_tables_label(labels *l, const char *name, const char *value) {
  writer_text(&l->writer, l->separator);
  writer_text(&l->writer, name);
  writer_text(&l->writer, "=");
  writer_label(&l->writer, value);
  l->separator = ",";
}

static void serve_tables_begin(labels *l, const stats *f, unsigned by) {
  l->separator = "{";
  l->size = 0;
  writer_init(&l->writer, serve_tables_append, l);
  if (by & MERGE_HOST)
    serve_tables_label(l, "host", f->process.host);
  if (!by || by & MERGE_PROGRAM)
    serve_tables_label(l, "program", f->process.program);
  if (!by) {
    char number[32];
    number[writer_format_int(number, f->process.pid)] = 0;
    serve_tables_label(l, "pid", number);
  }
}

static const char *serve_tables_end(labels *l) {
  if (*l->separator == ',')
    writer_text(&l->writer, "}");
  writer_finish(&l->writer);
  l->text[l->size] = 0;
  return l->text;
}

/* ---- values ---- */

/* Fills in the values. Times cannot be added up. Returns false if no value is left. */
static bool values_of(const serve_rows *rows, const void *record, unsigned by, bool counters_only,
                      int64_t *out) {
  bool any = false;
  for (size_t i = 0; i < rows->family_count; i++) {
    const report_family *family = &rows->families[i];
    bool wanted = counters_only ? strcmp(family->type, "counter") == 0 : !by || !family->is_time;
    out[i] = wanted ? report_family_value(family, record) : ARROWPOOL_UNKNOWN;
    any |= out[i] != ARROWPOOL_UNKNOWN;
  }
  return any;
}

void serve_tables_add(serve_tables *t, const stats *f, unsigned by, bool counters_only) {
  int64_t values[SERVE_ROW_VALUES];
  const pool_view *pool;
  report_subject subject = stats_subject(f);
  labels l;
  if (values_of(&t->processes, &f->process, by, counters_only, values)) {
    serve_tables_begin(&l, f, by);
    serve_rows_add(&t->processes, serve_tables_end(&l), values);
  }
  for (unsigned index = 0; (pool = report_next_pool(&subject, &index)) != NULL;) {
    if (!values_of(&t->pools, &pool->stats, by, counters_only, values))
      continue;
    serve_tables_begin(&l, f, by);
    if (!by || by & MERGE_POOL)
      serve_tables_label(&l, "pool", pool->name);
    if (!by)
      serve_tables_label(&l, "backend", pool->backend);
    serve_rows_add(&t->pools, serve_tables_end(&l), values);
  }
}
