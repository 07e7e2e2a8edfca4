/* Writes the model as a profile for pprof: profile.proto, compressed by zlib.
 *
 * The messages are made by hand (proto.h). profile.proto takes two of the wire types, and keeps the numbers
 * of its fields; a library would be one more that the command depends on and a wheel carries, with a compiler
 * for the build and a copy of profile.proto in the tree, and would take as much code to fill in its structs.
 * The tests read the result with pprof and protoc.
 *
 * What a stack ever allocated, and had at the peak, is one sample; what lives of it is one for each thread
 * and age, by which pprof can choose (-tagfocus). */
#include "cli/who/pprof.h"

#include "cli/base/memory.h"
#include "cli/who/who.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Numbers of fields of profile.proto, by message. */
enum { TYPE_TYPE = 1, TYPE_UNIT };
enum { SAMPLE_LOCATIONS = 1, SAMPLE_VALUES, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_TEXT, LABEL_NUMBER, LABEL_UNIT };

/* The values of a sample: buffers and bytes of each. */
static const struct {
  who_what what;
  const char *buffers, *bytes;
} value_types[WHO_WHATS] = {{WHO_TOTAL, "alloc_objects", "alloc_space"},
                            {WHO_LIVE, "inuse_objects", "inuse_space"},
                            {WHO_PEAK, "peak_objects", "peak_space"}};

/* What lives of a stack, of one thread and age. */
typedef struct live_group {
  uint32_t stack, thread;
  int64_t age; /* seconds */
  who_amount amount;
} live_group;

/* ---- samples ---- */

static void write_text_label(pprof *p, const char *key, const char *text) {
  proto_number(&p->inner, LABEL_KEY, pprof_string(p, key));
  proto_number(&p->inner, LABEL_TEXT, pprof_string(p, text));
  proto_message(&p->message, SAMPLE_LABEL, &p->inner);
}

static void write_number_label(pprof *p, const char *key, int64_t number, const char *unit) {
  proto_number(&p->inner, LABEL_KEY, pprof_string(p, key));
  proto_number(&p->inner, LABEL_NUMBER, (uint64_t)number);
  proto_number(&p->inner, LABEL_UNIT, pprof_string(p, unit));
  proto_message(&p->message, SAMPLE_LABEL, &p->inner);
}

static const char *thread_kind(const who_stack *s) {
  return s->kind == PROFILE_OWN ? "python" : s->kind == PROFILE_TASK ? "arrow's, for a task" : "no python";
}

static bool is_nothing(const who_amount *a) { return !who_whole(a->bytes) && !who_whole(a->buffers); }

/* Begins a sample, for more labels and end_sample. */
static void begin_sample(pprof *p, const who_stack *s, const who_amount amounts[WHO_WHATS]) {
  pprof_write_locations(p, s);
  proto_message(&p->message, SAMPLE_LOCATIONS, &p->packed);
  for (size_t i = 0; i < WHO_WHATS; i++) {
    proto_varint(&p->packed, (uint64_t)who_whole(amounts[value_types[i].what].buffers));
    proto_varint(&p->packed, (uint64_t)who_whole(amounts[value_types[i].what].bytes));
  }
  proto_message(&p->message, SAMPLE_VALUES, &p->packed);
  write_text_label(p, "thread_kind", thread_kind(s));
  write_text_label(p, "pool", s->pool);
}

static void end_sample(pprof *p) { proto_message(&p->all, OF_SAMPLE, &p->message); }

static void write_stacks(pprof *p) {
  for (size_t i = 0; i < p->model->stacks.count; i++) {
    const who_stack *s = who_stack_at(p->model, i);
    who_amount amounts[WHO_WHATS] = {[WHO_TOTAL] = s->amounts[WHO_TOTAL], [WHO_PEAK] = s->amounts[WHO_PEAK]};
    if (is_nothing(&amounts[WHO_TOTAL]) && is_nothing(&amounts[WHO_PEAK]))
      continue;
    begin_sample(p, s, amounts);
    end_sample(p);
  }
}

static void write_live_group(pprof *p, const live_group *group) {
  who_amount amounts[WHO_WHATS] = {[WHO_LIVE] = group->amount};
  if (is_nothing(&group->amount))
    return;
  begin_sample(p, who_stack_at(p->model, group->stack), amounts);
  write_text_label(p, "thread", who_thread_at(p->model, group->thread)->name);
  write_number_label(p, "age", group->age, "seconds");
  end_sample(p);
}

/* Returns how old the buffer is, rounded down to a power of two, as pprof itself has steps of numbers. */
static int64_t age_of(const who_model *m, const who_record *record) {
  int64_t seconds = (m->processes[record->process].time - record->since) / 1000;
  return seconds < 1 ? 0 : INT64_C(1) << (63 - __builtin_clzll((uint64_t)seconds));
}

static uint64_t group_hash(const void *entry) {
  const live_group *group = entry;
  uint64_t key[] = {group->stack, group->thread, (uint64_t)group->age};
  return hash_index_hash(HASH_INDEX_START, key, sizeof key);
}

static bool group_same(const void *a, const void *b) {
  const live_group *one = a, *other = b;
  return one->stack == other->stack && one->thread == other->thread && one->age == other->age;
}

static void write_live(pprof *p) {
  static const hash_index_kind kind = {sizeof(live_group), group_hash, group_same};
  const who_model *m = p->model;
  hash_index groups = {0};
  for (size_t i = 0; i < m->record_count; i++) {
    const who_record *record = &m->records[i];
    live_group wanted = {.stack = record->stack, .thread = record->thread, .age = age_of(m, record)};
    live_group *found = hash_index_find(&groups, &kind, &wanted);
    if (!found)
      found = hash_index_add(&groups, &kind, &wanted);
    who_amount amount = who_amount_of_record(record);
    who_amount_add(&found->amount, &amount);
  }
  for (size_t i = 0; i < groups.count; i++)
    write_live_group(p, (live_group *)groups.entries + i);
  hash_index_free(&groups);
}

/* ---- the profile ---- */

static void write_type(pprof *p, unsigned field, const char *type, const char *unit) {
  proto_number(&p->message, TYPE_TYPE, pprof_string(p, type));
  proto_number(&p->message, TYPE_UNIT, pprof_string(p, unit));
  proto_message(&p->all, field, &p->message);
}

static void write_types(pprof *p) {
  for (size_t i = 0; i < WHO_WHATS; i++) {
    write_type(p, OF_SAMPLE_TYPE, value_types[i].buffers, "count");
    write_type(p, OF_SAMPLE_TYPE, value_types[i].bytes, "bytes");
    if (value_types[i].what == p->model->what)
      proto_number(&p->all, OF_DEFAULT_SAMPLE_TYPE, pprof_string(p, value_types[i].bytes));
  }
  write_type(p, OF_PERIOD_TYPE, "space", "bytes");
}

static void write_comment(pprof *p, const char *text) {
  proto_varint(&p->packed, pprof_string(p, text));
  proto_message(&p->all, OF_COMMENT, &p->packed);
}

static void write_quoted(FILE *expression, const char *text) {
  for (; *text; text++) {
    if (strchr("\\.+*?()|[]{}^$", *text))
      putc('\\', expression);
    putc(*text, expression);
  }
}

/* Returns whether it is the first native frame of that name which is of the allocation itself. */
static bool is_first_allocating(const who_model *m, size_t number) {
  const who_native *native = who_native_at(m, number);
  bool first = native->of_allocation;
  for (size_t i = 0; first && i < number; i++)
    first = !who_native_at(m, i)->of_allocation || who_native_at(m, i)->name != native->name;
  return first;
}

/* The stacks here have no such frames at their ends; this is for what pprof itself may find, asked for
 * -symbolize=force. */
static void write_drop_frames(pprof *p) {
  char *text = NULL;
  size_t size = 0;
  FILE *expression = open_memstream(&text, &size);
  if (!expression)
    memory_lacking();
  for (size_t i = 0; i < p->model->natives.count; i++)
    if (is_first_allocating(p->model, i)) {
      fputs(ftell(expression) ? "|" : "", expression);
      write_quoted(expression, who_native_at(p->model, i)->name);
    }
  if (fclose(expression) != 0)
    memory_lacking();
  proto_number(&p->all, OF_DROP_FRAMES, pprof_string(p, text));
  free(text);
}

/* Tells of the processes: the time from the first start to the last look, and each in words. */
static void write_processes(pprof *p) {
  const who_model *m = p->model;
  int64_t from = INT64_MAX, to = 0;
  for (size_t i = 0; i < m->process_count; i++) {
    const who_process *process = &m->processes[i];
    char text[WHO_LONGEST_TEXT];
    snprintf(text, sizeof text, "%s%.200s, pid %lld on %.200s: %.2000s", process->minus ? "without " : "",
             process->program, (long long)process->pid, process->host, process->command);
    write_comment(p, text);
    from = process->start_time < from ? process->start_time : from;
    to = process->time > to ? process->time : to;
  }
  if (!m->process_count)
    return;
  proto_number(&p->all, OF_TIME, (uint64_t)from * 1000000);
  proto_number(&p->all, OF_DURATION, (uint64_t)(to > from ? to - from : 0) * 1000000);
  proto_number(&p->all, OF_PERIOD, (uint64_t)m->processes[0].mean);
}

static void write_error(pprof *p) {
  char text[160];
  snprintf(text, sizeof text, "estimated from samples: the standard error of all that %s is %lld %%",
           p->model->what == WHO_LIVE    ? "lives"
           : p->model->what == WHO_TOTAL ? "was allocated"
                                         : "lived at the peak",
           (long long)who_whole(who_error(&p->model->sums[p->model->what]) * 100));
  write_comment(p, text);
}

static void gzip(const proto *from, FILE *out) {
  z_stream z = {0};
  unsigned char part[65536] = {0};
  size_t done = 0;
  int status = Z_OK;
  /* 16 more than the window is gzip's header. */
  if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY))
    memory_lacking();
  while (status != Z_STREAM_END) {
    if (!z.avail_in) {
      size_t left = from->size - done;
      z.next_in = from->bytes + done;
      z.avail_in = left < 1 << 30 ? (uInt)left : 1 << 30;
      done += z.avail_in;
    }
    z.next_out = part;
    z.avail_out = sizeof part;
    status = deflate(&z, done == from->size ? Z_FINISH : Z_NO_FLUSH);
    fwrite(part, 1, sizeof part - z.avail_out, out);
  }
  deflateEnd(&z);
}

void who_write_pprof(FILE *out, const who_model *m) {
  pprof written = {.model = m}, *p = &written;
  write_types(p);
  pprof_write_mappings(p);
  write_stacks(p);
  write_live(p);
  write_drop_frames(p);
  write_processes(p);
  write_error(p);
  pprof_write_strings(p);
  gzip(&p->all, out);
  pprof_free(p);
}
