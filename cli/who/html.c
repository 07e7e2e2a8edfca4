/* Writes the model as a page, in one file that needs nothing else: a flame graph, a table, and a search.
 *
 * The page is in page/, whose script lays the graph out itself. The library for that would be d3-flame-graph.
 * It has no package of its own in Debian or PyPI, but is carried by others for their own pages: minified,
 * without its version and licence (memray: 58 kB, and 279 kB of d3), or as 2.0.0-alpha4 (Debian's pprof). No
 * keyboard reaches its frames, it has colours for one theme and places for one width; and what it would save
 * is the layout, some forty lines. Who wants more of a viewer has --format=speedscope and --format=pprof. */
#include "cli/base/memory.h"
#include "cli/base/page.h"
#include "cli/who/aggregate.h"
#include "cli/who/notes.h"
#include "cli/who/who.h"

#include <stdlib.h>
#include <string.h>

extern const char *const who_page[PAGE_PARTS]; /* made of the files in page/ */

/* Frames of the graph that are none, before the model's native ones and its lines of Python. */
typedef enum note_frame { NOTE_OTHER, NOTE_NO_PYTHON, NOTE_TASK, NOTE_FRAMES } note_frame;
static const char *const note_names[NOTE_FRAMES] = {"(other)", "(no Python frame)", "(by Arrow's threads)"};

static int64_t number_of_native(uint32_t native) { return (int64_t)NOTE_FRAMES + native; }

static int64_t number_of_frame(const who_model *m, uint32_t frame) {
  return NOTE_FRAMES + (int64_t)m->natives.count + frame;
}

/* ---- data: objects and arrays ---- */

static void write_amount(writer *w, const who_amount *a) {
  double standard_error = who_error(a) * (a->bytes < 0 ? -a->bytes : a->bytes);
  writer_print(w, "[%ld,%ld,%ld,%ld]", who_whole(a->bytes), who_whole(a->buffers), who_whole(a->samples),
               who_whole(standard_error));
}

static void write_frame(writer *w, bool *first, const char *name, const char *file, int32_t line,
                        const char *kind) {
  page_separate(w, first);
  writer_text(w, "[");
  writer_json_string(w, name);
  writer_text(w, ",");
  writer_json_string(w, file);
  writer_print(w, ",%ld,\"%s\"]", (int64_t)line, kind);
}

static void write_frames(writer *w, const who_model *m) {
  bool first = true;
  writer_text(w, ",\n\"frames\":[");
  for (size_t i = 0; i < NOTE_FRAMES; i++)
    write_frame(w, &first, note_names[i], "", 0, "note");
  for (size_t i = 0; i < m->natives.count; i++) {
    const who_native *native = who_native_at(m, i);
    const char *path = native->module == WHO_NONE ? "" : who_module_at(m, native->module)->path;
    write_frame(w, &first, native->name, path, 0, "native");
  }
  for (size_t i = 0; i < m->frames.count; i++) {
    const who_frame *frame = who_frame_at(m, i);
    write_frame(w, &first, frame->function, frame->file, frame->line, frame->library ? "library" : "own");
  }
  writer_text(w, "]");
}

/* Writes the numbers of the stack's frames, from the outermost to the innermost. */
static void write_path(writer *w, const who_model *m, const who_stack *s) {
  const char *separator = "";
  for (uint32_t i = s->python_count; i--; separator = ",")
    writer_print(w, "%s%ld", separator, number_of_frame(m, who_frame_number(s, i)));
  if (s->other || !s->python_count || s->kind == PROFILE_TASK) {
    note_frame note = s->other ? NOTE_OTHER : !s->python_count ? NOTE_NO_PYTHON : NOTE_TASK;
    writer_print(w, "%s%ld", separator, (int64_t)note);
    separator = ",";
  }
  for (uint32_t i = s->native_count; i--; separator = ",")
    writer_print(w, "%s%ld", separator, number_of_native(who_native_number(s, i)));
}

static bool has_any(const who_stack *s) {
  bool any = false;
  for (size_t what = 0; what < WHO_WHATS; what++)
    any |= who_whole(s->amounts[what].bytes) != 0;
  return any;
}

static void write_stacks(writer *w, const who_model *m) {
  bool first = true;
  writer_text(w, ",\n\"stacks\":[");
  for (size_t i = 0; i < m->stacks.count; i++) {
    const who_stack *s = who_stack_at(m, i);
    if (!has_any(s))
      continue;
    page_separate(w, &first);
    writer_text(w, "[[");
    write_path(w, m, s);
    writer_text(w, "]");
    for (size_t what = 0; what < WHO_WHATS; what++) {
      writer_text(w, ",");
      write_amount(w, &s->amounts[what]);
    }
    writer_text(w, "]");
  }
  writer_text(w, "]");
}

/* ---- the tables, one for each of what can be shown ---- */

/* Returns the frame that a row is of; -1 if it is of none. */
static int64_t frame_of_row(const who_model *m, const who_row *row) {
  if (m->by == WHO_BY_NATIVE)
    return row->native == WHO_NONE ? -1 : number_of_native(row->native);
  bool by_python = m->by == WHO_BY_LINE || m->by == WHO_BY_FUNCTION;
  return by_python && row->frame ? number_of_frame(m, (uint32_t)(row->frame - who_frame_at(m, 0))) : -1;
}

static void write_row(writer *w, const who_model *m, const who_row *row) {
  char label[WHO_LABEL_BYTES];
  writer_text(w, "{\"label\":");
  writer_json_string(w, who_row_label(m, row, label));
  writer_text(w, ",\"remark\":");
  writer_json_string(w, who_row_remark(m, row));
  writer_print(w, ",\"frame\":%ld,\"oldest\":%ld,\"largest\":%ld,\"leaves\":[", frame_of_row(m, row),
               row->oldest, (int64_t)row->largest);
  for (size_t i = 0; i < WHO_LEAVES && row->leaves[i].name; i++) {
    writer_text(w, i ? ",[" : "[");
    writer_json_string(w, row->leaves[i].name);
    writer_print(w, ",%ld]", who_whole(row->leaves[i].share * 100));
  }
  writer_text(w, "],\"amount\":");
  write_amount(w, &row->amount);
  writer_text(w, "}");
}

static void write_table(writer *w, const who_model *m) {
  who_table table;
  bool first = true;
  who_aggregate(m, &table);
  writer_text(w, ",\"rows\":[");
  for (size_t i = 0; i < table.count; i++) {
    page_separate(w, &first);
    write_row(w, m, &table.rows[i]);
  }
  writer_print(w, "],\"whole\":%ld,\"rest\":[%ld,%ld]", who_whole(table.whole), (int64_t)table.rest_count,
               who_whole(table.rest.bytes));
  who_table_free(&table);
}

static void write_whats(writer *w, const who_model *m) {
  bool first = true;
  writer_print(w, ",\n\"what\":%ld,\"by\":\"%s\",\"whats\":[", (int64_t)m->what, who_by_names[m->by]);
  for (who_what what = 0; what < WHO_WHATS; what++) {
    who_model shown = *m; /* another view of the same */
    shown.what = what;
    page_separate(w, &first);
    writer_print(w, "{\"name\":\"%s\",\"sum\":", who_what_names[what]);
    write_amount(w, &m->sums[what]);
    if (m->by == WHO_BY_THREAD && what != WHO_LIVE) /* nobody knows */
      writer_text(w, ",\"rows\":[],\"whole\":0,\"rest\":[0,0]");
    else
      write_table(w, &shown);
    writer_text(w, "}");
  }
  writer_text(w, "]");
}

/* ---- what it is about ---- */

static void write_process(writer *w, const who_process *p) {
  const struct {
    const char *name, *text;
  } texts[] = {{"path", p->path}, {"program", p->program}, {"host", p->host}, {"command", p->command}};
  writer_print(w, "{\"pid\":%ld,\"state\":\"%s\",\"minus\":%s", p->pid, stats_state_name(p->state),
               p->minus ? "true" : "false");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    writer_print(w, ",\"%s\":", texts[i].name);
    writer_json_string(w, texts[i].text);
  }
  writer_print(w, ",\"start\":%ld,\"time\":%ld,\"peak\":%ld,\"mean\":%ld,\"mean_now\":%ld}", p->start_time,
               p->time, p->peak_time, p->mean, p->mean_now);
}

static void write_processes(writer *w, const who_model *m) {
  bool first = true;
  writer_print(w, "{\"version\":\"" ARROWPOOL_VERSION "\",\"older_than\":%ld,\"processes\":[", m->older_than);
  for (size_t i = 0; i < m->process_count; i++) {
    page_separate(w, &first);
    write_process(w, &m->processes[i]);
  }
  writer_text(w, "]");
}

/* Writes the lines of who_write_notes. */
static void write_notes(writer *w, const who_model *m) {
  char *text = NULL, *place = NULL;
  size_t size = 0;
  bool first = true;
  FILE *notes = open_memstream(&text, &size);
  if (!notes)
    memory_lacking();
  who_write_notes(notes, m);
  if (fclose(notes) != 0)
    memory_lacking();
  writer_text(w, ",\n\"notes\":[");
  for (char *line = strtok_r(text, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
    page_separate(w, &first);
    writer_json_string(w, line);
  }
  writer_text(w, "]");
  free(text);
}

static void write_title(writer *w, const void *model) {
  const who_model *m = model;
  writer_text(w, "Who holds Arrow's memory: ");
  if (m->process_count == 1)
    writer_print(w, "%s, pid %ld on %s", m->processes[0].program, m->processes[0].pid, m->processes[0].host);
  else
    writer_print(w, "%ld profiles", (int64_t)m->process_count);
}

static void write_data(writer *w, const void *model) {
  const who_model *m = model;
  write_processes(w, m);
  write_notes(w, m);
  write_whats(w, m);
  write_frames(w, m);
  write_stacks(w, m);
  writer_text(w, "}");
}

void who_write_html(FILE *out, const who_model *m) { page_write(out, who_page, write_title, write_data, m); }
