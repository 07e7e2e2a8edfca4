/* Writes the table as json: schema "arrowpool-who/1" (docs/use/who.schema.json), one object. */
#include "base/presence.h"
#include "cli/base/memory.h"
#include "cli/who/aggregate.h"
#include "cli/who/notes.h"
#include "cli/who/who.h"

#include <jansson.h>

static json_t *made(json_t *value) {
  if (!value)
    memory_lacking();
  return value;
}

static json_t *text_or_null(const char *text) {
  return made(text && *text ? json_string(text) : json_null());
}

static json_t *seconds(int64_t milliseconds) {
  return made(milliseconds ? json_real((double)milliseconds / 1000) : json_null());
}

static json_t *process(const who_process *p) {
  json_t *out = made(json_pack("{s:s, s:o, s:o, s:I, s:s, s:b, s:o}", "path", p->path, "program",
                               text_or_null(p->program), "host", text_or_null(p->host), "pid",
                               (json_int_t)p->pid, "state", stats_state_name(p->state), "minus", p->minus,
                               "command", text_or_null(p->command)));
  json_t *more = made(json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:b}", "parent",
                                p->parent ? json_integer(p->parent) : json_null(), "start_time",
                                seconds(p->start_time), "time", seconds(p->time), "peak_time",
                                seconds(p->peak_time), "python", who_python_name(p->python), "python_version",
                                text_or_null(p->python_version), "tasks", p->tasks));
  json_t *counts =
      made(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "mean_bytes", (json_int_t)p->mean,
                     "mean_now_bytes", (json_int_t)p->mean_now, "samples", (json_int_t)p->samples,
                     "lost_records", (json_int_t)p->lost_records, "lost_stacks", (json_int_t)p->lost_stacks,
                     "failed_walks", (json_int_t)p->failed_walks, "tasks_given", (json_int_t)p->tasks_given,
                     "tasks_told", (json_int_t)p->tasks_told, "damaged_entries", (json_int_t)p->damaged));
  if (presence_name(p->presence))
    json_object_set_new(out, "presence", made(json_string(presence_name(p->presence))));
  json_object_update_missing(out, more);
  json_object_update_missing(out, counts);
  json_decref(more);
  json_decref(counts);
  return out;
}

static json_t *amount(const who_amount *a) {
  return made(json_pack("{s:I, s:I, s:I, s:f}", "bytes", (json_int_t)who_whole(a->bytes), "buffers",
                        (json_int_t)who_whole(a->buffers), "samples", (json_int_t)who_whole(a->samples),
                        "error", who_error(a)));
}

static const char *kind_name(const who_stack *s) {
  static const char *const names[] = {
      [PROFILE_NO_PYTHON] = "none", [PROFILE_OWN] = "own", [PROFILE_TASK] = "task"};
  return s->other ? "other" : names[s->kind];
}

/* Adds what the row is of: what it is not by is null. */
static void add_key(json_t *out, const who_model *m, const who_row *row) {
  bool by_line = m->by == WHO_BY_LINE, by_python = by_line || m->by == WHO_BY_FUNCTION;
  const who_frame *frame = by_python ? row->frame : NULL;
  const who_thread *thread = row->thread != WHO_NONE ? who_thread_at(m, row->thread) : NULL;
  bool is_native = m->by == WHO_BY_NATIVE && row->native != WHO_NONE;
  json_t *key = made(json_pack(
      "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind",
      text_or_null(by_python ? kind_name(row->stack) : NULL), "file",
      text_or_null(frame ? frame->file : NULL), "function", text_or_null(frame ? frame->function : NULL),
      "line", by_line && frame && frame->line ? json_integer(frame->line) : json_null(), "native_function",
      text_or_null(is_native ? who_native_at(m, row->native)->name : NULL), "pool",
      text_or_null(m->by == WHO_BY_POOL ? row->stack->pool : NULL), "thread",
      text_or_null(thread ? thread->name : NULL), "thread_number",
      thread && thread->number ? json_integer(thread->number) : json_null(), "pid",
      thread ? json_integer(m->processes[thread->process].pid) : json_null()));
  json_object_update_missing(out, key);
  json_decref(key);
}

static json_t *row_object(const who_model *m, const who_table *t, const who_row *row) {
  char label[WHO_LABEL_BYTES];
  json_t *out = amount(&row->amount), *leaves = made(json_array());
  json_object_set_new(out, "who", made(json_string(who_row_label(m, row, label))));
  json_object_set_new(out, "share", json_real(t->whole > 0 ? row->amount.bytes / t->whole : 0));
  add_key(out, m, row);
  json_object_set_new(out, "oldest_seconds",
                      row->largest ? json_real((double)row->oldest / 1000) : json_null());
  json_object_set_new(out, "largest_bytes",
                      row->largest ? json_integer((json_int_t)row->largest) : json_null());
  for (size_t i = 0; i < WHO_LEAVES && row->leaves[i].name; i++)
    json_array_append_new(leaves, made(json_pack("{s:s, s:f}", "function", row->leaves[i].name, "share",
                                                 row->leaves[i].share)));
  json_object_set_new(out, "native", leaves);
  return out;
}

static json_t *lacking_modules(const who_model *m) {
  json_t *out = made(json_array());
  for (size_t i = 0; i < m->modules.count; i++)
    if (who_module_at(m, i)->problem)
      json_array_append_new(out, made(json_pack("{s:s, s:s}", "path", who_module_at(m, i)->path, "problem",
                                                who_module_at(m, i)->problem)));
  return out;
}

void who_write_json(FILE *out, const who_model *m) {
  who_table t;
  json_t *processes = made(json_array()), *rows = made(json_array());
  who_aggregate(m, &t);
  for (size_t i = 0; i < m->process_count; i++)
    json_array_append_new(processes, process(&m->processes[i]));
  for (size_t i = 0; i < t.count; i++)
    json_array_append_new(rows, row_object(m, &t, &t.rows[i]));
  json_t *rest = amount(&t.rest);
  json_object_set_new(rest, "rows", json_integer((json_int_t)t.rest_count));
  json_t *whole = made(json_pack(
      "{s:s, s:s, s:s, s:s, s:f, s:f, s:o, s:o, s:o, s:o, s:o}", "schema", "arrowpool-who/1", "version",
      ARROWPOOL_VERSION, "what", who_what_names[m->what], "by", who_by_names[m->by], "older_than_seconds",
      (double)m->older_than / 1000, "at_least", m->at_least, "processes", processes, "sum",
      amount(&m->sums[m->what]), "rows", rows, "rest", rest, "modules_without_names", lacking_modules(m)));
  json_dumpf(whole, out, JSON_COMPACT);
  fputc('\n', out);
  json_decref(whole);
  who_table_free(&t);
}
