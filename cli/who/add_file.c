/* Adds a profile to the model: its stacks with what was allocated at all and at the peak, then its records,
 * which are what lives. What is complete but names something that is not there is left out, and counted. */
#include "base/writer.h"
#include "cli/base/memory.h"
#include "cli/who/add_process.h"
#include "cli/who/intern.h"
#include "cli/who/libraries.h"
#include "cli/who/model.h"
#include "cli/who/profile_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WEIGHT 1e12
#define MOST_SIZE   (UINT64_C(1) << 47) /* of a buffer, bytes: there are no more addresses */

typedef struct mapped {
  uint64_t from, to, bias;
  uint32_t module; /* of the model */
} mapped;

typedef struct known_word {
  uint64_t address;
  uint32_t native; /* of the model */
} known_word;

/* A buffer that lived at the later moment, of two of which one is taken off the other. */
typedef struct known_buffer {
  uint64_t address, size;
  int64_t since;
  uint32_t stack, record; /* of the model */
} known_buffer;

typedef struct adding {
  who_model *m;
  profile_file f;
  uint32_t process; /* of the model */
  bool minus, same; /* it is taken off, from figures of the same process */
  double sign;
  mapped *mapped;
  size_t mapped_count;
  hash_index words;          /* known_word */
  uint32_t *frames, *stacks; /* numbers in the model, by those in the file; WHO_NONE */
  hash_index buffers;        /* known_buffer, of the same process */
} adding;

/* ---- native frames ---- */

static void add_modules(adding *a) {
  uint32_t count = a->f.sections[PROFILE_MODULES].count;
  a->mapped = memory_zeroed((size_t)count + 1, sizeof *a->mapped);
  for (uint32_t i = 0; i < count; i++) {
    profile_module theirs;
    char path[WHO_LONGEST_TEXT];
    if (!profile_file_module(&a->f, i, &theirs))
      continue;
    profile_file_text(&a->f, theirs.path, path, sizeof path);
    who_module module = {.path = who_intern_text(a->m, path),
                         .build_id_bytes = theirs.build_id_bytes,
                         .from = theirs.from - theirs.bias,
                         .to = theirs.to - theirs.bias};
    memcpy(module.build_id, theirs.build_id, theirs.build_id_bytes);
    a->mapped[a->mapped_count++] =
        (mapped){theirs.from, theirs.to, theirs.bias, who_intern_module(a->m, &module)};
  }
}

static uint64_t hash_word(const void *entry) {
  const known_word *w = entry;
  return hash_index_hash(HASH_INDEX_START, &w->address, sizeof w->address);
}

static bool same_word(const void *a, const void *b) {
  return ((const known_word *)a)->address == ((const known_word *)b)->address;
}

/* Returns the model's number of a return address, which lies behind its call: perhaps at its module's end. */
static uint32_t add_native(adding *a, uint64_t address) {
  static const hash_index_kind words = {sizeof(known_word), hash_word, same_word};
  known_word word = {address, 0}, *known = hash_index_find(&a->words, &words, &word);
  if (known)
    return known->native;
  const mapped *m = NULL;
  for (size_t i = a->mapped_count; i-- && !m;)
    if (address > a->mapped[i].from && address <= a->mapped[i].to)
      m = &a->mapped[i];
  word.native = who_intern_native(a->m, m ? m->module : WHO_NONE, m ? address - m->bias : address);
  hash_index_add(&a->words, &words, &word);
  return word.native;
}

/* ---- Python frames ---- */

static uint32_t add_frame(adding *a, uint64_t number) {
  profile_frame theirs = {0};
  char file[WHO_LONGEST_TEXT], function[WHO_LONGEST_TEXT];
  uint32_t count = a->f.sections[PROFILE_FRAMES].count;
  if (number < count && a->frames[number] != WHO_NONE)
    return a->frames[number];
  bool whole = number < count && profile_file_frame(&a->f, (uint32_t)number, &theirs);
  profile_file_text(&a->f, whole ? theirs.file : 0, file, sizeof file);
  profile_file_text(&a->f, whole ? theirs.function : 0, function, sizeof function);
  who_frame frame = {.file = who_intern_text(a->m, file),
                     .function = who_intern_text(a->m, function),
                     .line = whole && theirs.line > 0 ? theirs.line : 0,
                     .first_line = whole && theirs.first_line > 0 ? theirs.first_line : 0,
                     .library = who_is_library(file)};
  uint32_t added = who_intern_frame(a->m, &frame);
  if (number < count)
    a->frames[number] = added;
  return added;
}

/* ---- sums ---- */

/* Adds what a stack has. Of one process's figures at two moments the later ones have the samples of the
 * earlier, which go with them; others err on their own. */
static void add_amount(adding *a, uint32_t stack, who_what what, who_amount amount, bool goes) {
  amount.samples *= goes ? a->sign : 1;
  amount.variance *= goes ? a->sign : 1;
  who_amount_add(&who_stack_at(a->m, stack)->amounts[what], &amount);
  who_amount_add(&a->m->sums[what], &amount);
}

/* Of n samples that stand for w buffers each and s bytes a buffer, the bytes are n w s; as a sample was taken
 * by the chance of 1/w, the variance of that is n s^2 w (w - 1). */
static who_amount amount_of(double sign, double bytes, double buffers, double samples) {
  double weight = samples > 0 && buffers > samples ? buffers / samples : 1;
  double part = samples > 0 ? (1 - 1 / weight) / samples : bytes > 0;
  return (who_amount){sign * bytes, sign * buffers, samples, bytes * bytes * part};
}

static void add_sums(adding *a, uint32_t number, const profile_stack *theirs, uint32_t stack) {
  profile_sum peak;
  add_amount(a, stack, WHO_TOTAL,
             amount_of(a->sign, (double)profile_file_clamp(theirs->total_bytes),
                       (double)profile_file_clamp(theirs->total_count) / 1024,
                       (double)profile_file_clamp(theirs->samples)),
             a->same);
  if (!profile_file_peak(&a->f, number, &peak) || peak.bytes <= 0 || peak.count <= 0)
    return;
  double bytes = (double)profile_file_clamp(peak.bytes),
         buffers = (double)profile_file_clamp(peak.count) / 1024;
  double chance = -expm1(-bytes / buffers / (double)a->f.header.mean);
  add_amount(a, stack, WHO_PEAK, amount_of(a->sign, bytes, buffers, buffers * chance), false);
}

/* ---- stacks ---- */

static uint32_t add_stack(adding *a, uint32_t number, const profile_stack *theirs) {
  uint32_t words[PROFILE_MOST_NATIVE + PROFILE_MOST_PYTHON];
  char pool[POOL_NAME_BYTES];
  profile_file_text(&a->f, theirs->pool, pool, sizeof pool);
  who_stack stack = {.kind = theirs->python_count ? (profile_kind)theirs->kind : PROFILE_NO_PYTHON,
                     .other = number == 0,
                     .pool = who_intern_text(a->m, pool),
                     .words = words,
                     .native_count = theirs->native_count,
                     .python_count = theirs->python_count};
  for (uint32_t i = 0; i < stack.native_count + stack.python_count; i++) {
    uint64_t word = profile_file_word(&a->f, theirs->words + i);
    stack.words[i] = i < stack.native_count ? add_native(a, word) : add_frame(a, word);
  }
  return who_intern_stack(a->m, &stack);
}

static void add_stacks(adding *a) {
  uint32_t count = a->f.sections[PROFILE_STACKS].count, frames = a->f.sections[PROFILE_FRAMES].count;
  a->stacks = memory_grow(NULL, (size_t)count + 1, sizeof *a->stacks);
  a->frames = memory_grow(NULL, (size_t)frames + 1, sizeof *a->frames);
  memset(a->frames, 0xff, ((size_t)frames + 1) * sizeof *a->frames);
  for (uint32_t i = 0; i < count; i++) {
    profile_stack theirs;
    a->stacks[i] = WHO_NONE;
    if (!profile_file_stack(&a->f, i, &theirs))
      continue;
    a->stacks[i] = add_stack(a, i, &theirs);
    add_sums(a, i, &theirs, a->stacks[i]);
  }
}

/* ---- records ---- */

static uint32_t add_thread(adding *a, uint32_t number) {
  profile_thread theirs = {0};
  char name[sizeof theirs.name + 1] = "";
  bool whole = number && profile_file_thread(&a->f, number, &theirs);
  int32_t its = whole ? theirs.number : 0;
  memcpy(name, its > 0 ? theirs.name : "", its > 0 ? sizeof theirs.name : 1);
  writer_make_printable(name);
  return who_intern_thread(
      a->m, &(who_thread){a->process, its > 0 ? its : 0, who_intern_text(a->m, *name ? name : "?")});
}

static uint64_t hash_buffer(const void *entry) {
  const known_buffer *b = entry;
  return hash_index_hash(HASH_INDEX_START, &b->address, sizeof b->address);
}

static bool same_buffer(const void *a, const void *b) {
  const known_buffer *one = a, *other = b;
  return one->address == other->address && one->size == other->size && one->since == other->since &&
         one->stack == other->stack;
}

static const hash_index_kind known_buffers = {sizeof(known_buffer), hash_buffer, same_buffer};

static known_buffer buffer_of(const who_record *r, size_t number) {
  return (known_buffer){r->address, r->size, r->since, r->stack, (uint32_t)number};
}

/* Notes the buffers of the process from which this file is taken off. */
static void know_buffers(adding *a, uint32_t process) {
  const who_model *m = a->m;
  for (size_t i = 0; i < m->record_count; i++) {
    known_buffer buffer = buffer_of(&m->records[i], i);
    if (m->records[i].process == process && !hash_index_find(&a->buffers, &known_buffers, &buffer))
      hash_index_add(&a->buffers, &known_buffers, &buffer);
  }
}

/* Adds a record; or, if the same buffer was there at the later moment, leaves both out. */
static void add_record(adding *a, const who_record *record) {
  who_model *m = a->m;
  known_buffer buffer = buffer_of(record, 0), *known = hash_index_find(&a->buffers, &known_buffers, &buffer);
  bool both = known && m->records[known->record].weight == -record->weight;
  add_amount(a, record->stack, WHO_LIVE, who_amount_of_record(record), both);
  if (both) {
    m->records[known->record].weight = 0;
    return;
  }
  m->records = memory_one_more(m->records, m->record_count, &m->record_room, sizeof *m->records);
  m->records[m->record_count++] = *record;
}

static void add_records(adding *a) {
  const who_process *p = &a->m->processes[a->process];
  uint32_t stacks = a->f.sections[PROFILE_STACKS].count;
  for (uint32_t i = 0; i < a->f.sections[PROFILE_RECORDS].count; i++) {
    profile_record theirs;
    if (!profile_file_record(&a->f, i, &theirs))
      continue;
    if (theirs.stack >= stacks || a->stacks[theirs.stack] == WHO_NONE) {
      a->f.damaged++;
      continue;
    }
    double weight = -1 / expm1(-(double)theirs.exposure);
    who_record record = {.stack = a->stacks[theirs.stack],
                         .process = a->process,
                         .thread = add_thread(a, theirs.thread),
                         .size = theirs.size < MOST_SIZE ? theirs.size : MOST_SIZE,
                         .weight = a->sign * (weight < MOST_WEIGHT ? weight : MOST_WEIGHT),
                         .since = p->start_time + (int64_t)theirs.since * 100,
                         .address = theirs.address};
    record.since = record.since < p->time ? record.since : p->time;
    if (p->time - record.since >= a->m->older_than)
      add_record(a, &record);
  }
}

/* Takes out the records that add_record left out. */
static void close_gaps(who_model *m) {
  size_t kept = 0;
  for (size_t i = 0; i < m->record_count; i++)
    if (m->records[i].weight != 0)
      m->records[kept++] = m->records[i];
  m->record_count = kept;
}

/* ---- the file ---- */

/* Returns the number of the process among those that are not taken off, or that are; WHO_NONE. */
static uint32_t find_process(const who_model *m, const who_process *p, bool minus) {
  for (size_t i = 0; i < m->process_count; i++)
    if (m->processes[i].minus == minus && who_same_process(&m->processes[i], p))
      return (uint32_t)i;
  return WHO_NONE;
}

static void add_all(adding *a, const who_process *process) {
  who_model *m = a->m;
  uint32_t later = a->minus ? find_process(m, process, false) : WHO_NONE;
  a->same = later != WHO_NONE;
  a->process = (uint32_t)m->process_count;
  m->processes = memory_one_more(m->processes, m->process_count, &m->process_room, sizeof *m->processes);
  m->processes[m->process_count++] = *process;
  add_modules(a);
  add_stacks(a);
  if (a->same)
    know_buffers(a, later);
  add_records(a);
  if (a->same)
    close_gaps(m);
  m->processes[a->process].damaged = a->f.damaged;
  free(a->mapped);
  free(a->stacks);
  free(a->frames);
  hash_index_free(&a->words);
  hash_index_free(&a->buffers);
}

const char *who_add_file(who_model *m, const char *path, bool minus) {
  adding a = {.m = m, .minus = minus, .sign = minus ? -1 : 1};
  const char *problem = profile_file_read(path, &a.f);
  if (problem)
    return problem;
  who_process process = who_read_process(m, &a.f, path, minus);
  if (find_process(m, &process, minus) == WHO_NONE)
    add_all(&a, &process);
  else
    problem = "it is of a process of which another file was read";
  profile_file_free(&a.f);
  return problem;
}
