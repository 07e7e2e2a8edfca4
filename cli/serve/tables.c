/* Makes the rows of processes and pools for `arrowpool serve`: labels and values of one process's figures. */
#include "cli/serve/files.h"
#include "cli/stats/merge.h"

#include <string.h>

/* Each value of a line is its only one. */
static const report_family line_families[] = {
    {.name = "held_bytes",
     .type = "gauge",
     .help = "Live bytes that a line of Python holds, as estimated from its profile."}};

void serve_tables_init(serve_tables *t) {
  *t = (serve_tables){
      .processes = {.families = report_process_families, .family_count = REPORT_PROCESS_FAMILIES},
      .pools = {.families = report_pool_families, .family_count = REPORT_POOL_FAMILIES},
      .lines = {.families = line_families, .family_count = 1}};
}

void serve_tables_clear(serve_tables *t) {
  serve_rows_clear(&t->processes);
  serve_rows_clear(&t->pools);
  serve_rows_clear(&t->lines);
}

/* ---- labels ---- */

typedef struct labels {
  writer writer;
  const char *separator;
  char
      text[SERVE_LABELS]; /* names are at most 72 bytes long, and three times that when each becomes U+FFFD */
  writer_kept kept;
} labels;

static void serve_tables_begin(labels *l, const stats *f, unsigned by) {
  l->separator = "{";
  *l->text = 0;
  l->kept = (writer_kept){l->text, sizeof l->text, 0};
  writer_init(&l->writer, writer_keep, &l->kept);
  if (by & MERGE_HOST)
    report_label(&l->writer, &l->separator, "host", f->process.host);
  if (!by || by & MERGE_PROGRAM)
    report_label(&l->writer, &l->separator, "program", f->process.program);
  if (!by) {
    char number[24];
    writer_format_int(number, f->process.pid);
    report_label(&l->writer, &l->separator, "pid", number);
  }
  if (*f->process.job_name && (!by || by & MERGE_NAME))
    report_label(&l->writer, &l->separator, "name", f->process.job_name);
}

static const char *serve_tables_end(labels *l) {
  if (*l->separator == ',')
    writer_text(&l->writer, "}");
  writer_finish(&l->writer);
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
      report_label(&l.writer, &l.separator, "pool", pool->name);
    if (!by)
      report_label(&l.writer, &l.separator, "backend", pool->backend);
    serve_rows_add(&t->pools, serve_tables_end(&l), values);
  }
}

void serve_tables_add_lines(serve_tables *t, const stats *f, const serve_lines *lines) {
  for (size_t i = 0; i < lines->count && *lines->all[i].text; i++) {
    const who_top_line *line = &lines->all[i];
    labels l;
    serve_tables_begin(&l, f, 0);
    report_label(&l.writer, &l.separator, "line", line->text);
    report_label(&l.writer, &l.separator, "task", line->by_task ? "1" : "0");
    serve_rows_add(&t->lines, serve_tables_end(&l), &line->bytes);
  }
}
