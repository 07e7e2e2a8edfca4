/* Writes the json report of many processes: schema "arrowpool-report/1" (docs/use/report.schema.json), one
 * object. As jsonl a group is a line, with the same names and nothing nested, for what reads tables. */
#include "cli/stats/merge.h"

static void key(writer *w, const char **separator, const char *name) {
  writer_print(w, "%s\"%s\":", *separator, name);
  *separator = ",";
}

static void number(writer *w, const char **separator, const char *name, int64_t value) {
  key(w, separator, name);
  if (value == ARROWPOOL_UNKNOWN)
    writer_text(w, "null");
  else
    writer_int(w, value);
}

static void text(writer *w, const char **separator, const char *name, const char *value) {
  key(w, separator, name);
  writer_json_string(w, value);
}

static void states(writer *w, const char **separator, const int64_t *counts) {
  for (int state = 0; state < STATS_STATES; state++)
    number(w, separator, stats_state_name((stats_state)state), counts[state]);
}

static void write_processes(writer *w, const merge *m) {
  const char *separator = "{", *inner = "{";
  int64_t at_least, sum = merge_sum_value(&m->peak_rss, &at_least);
  number(w, &separator, "count", (int64_t)m->processes);
  states(w, &separator, m->states);
  number(w, &separator, "lost_records", m->lost);
  number(w, &separator, "peak_rss_bytes_sum", sum);
  number(w, &separator, "peak_rss_bytes_highest", sum == ARROWPOOL_UNKNOWN ? sum : m->highest_rss);
  key(w, &separator, "at_least");
  if (at_least != ARROWPOOL_UNKNOWN) {
    number(w, &inner, "peak_rss_bytes_sum", at_least);
    number(w, &inner, "peak_rss_bytes_highest", m->highest_rss);
  }
  writer_text(w, *inner == '{' ? "{}}" : "}}");
}

static void write_key(writer *w, const char **separator, const merge *m, const merge_group *g) {
  bool process = m->by & MERGE_PROCESS;
  if (m->by & MERGE_POOL)
    text(w, separator, "pool", g->pool);
  if (m->by & MERGE_NAME)
    text(w, separator, "name", g->name);
  if (process || m->by & MERGE_HOST)
    text(w, separator, "host", g->host);
  if (process || m->by & MERGE_PROGRAM)
    text(w, separator, "program", g->program);
  if (process) {
    number(w, separator, "pid", g->pid);
    key(w, separator, "start_time");
    writer_milliseconds(w, g->start_time);
  }
}

static void write_figures(writer *w, const char **separator, const merge *m, const merge_group *g) {
  int64_t unused;
  write_key(w, separator, m, g);
  for (merge_field field = 0; field < MERGE_FIELD_COUNT; field++)
    number(w, separator, merge_field_names[field], merge_value(g, field, &unused));
  states(w, separator, g->states);
}

static void write_group(writer *w, const merge *m, const merge_group *g) {
  const char *separator = "{", *inner = "{";
  int64_t at_least;
  write_figures(w, &separator, m, g);
  key(w, &separator, "at_least");
  for (merge_field field = 0; field < MERGE_FIELD_COUNT; field++) {
    merge_value(g, field, &at_least);
    if (at_least != ARROWPOOL_UNKNOWN)
      number(w, &inner, merge_field_names[field], at_least);
  }
  writer_text(w, *inner == '{' ? "{}}" : "}}");
}

void merge_write_json(writer *w, const merge_report *r) {
  const merge *m = r->merge;
  const char *separator = "{";
  text(w, &separator, "schema", "arrowpool-report/1");
  text(w, &separator, "version", ARROWPOOL_VERSION);
  number(w, &separator, "files", (int64_t)r->files);
  number(w, &separator, "files_damaged", (int64_t)r->damaged);
  key(w, &separator, "processes");
  write_processes(w, m);
  key(w, &separator, "held_by");
  if (r->write_held)
    r->write_held(w, r->held);
  else
    writer_text(w, "null");
  number(w, &separator, "groups_total", (int64_t)m->groups.count);
  key(w, &separator, "groups");
  writer_text(w, "[");
  for (size_t g = 0; g < m->groups.count && g < r->top; g++) {
    writer_text(w, g ? "," : "");
    write_group(w, m, merge_group_at(m, g));
  }
  writer_text(w, "]}\n");
}

void merge_write_jsonl(writer *w, const merge_report *r) {
  for (size_t g = 0; g < r->merge->groups.count && g < r->top; g++) {
    const char *separator = "{";
    write_figures(w, &separator, r->merge, merge_group_at(r->merge, g));
    writer_text(w, "}\n");
  }
}
