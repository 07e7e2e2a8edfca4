/* Finds entries by what they are, and adds those that are new. Texts come first: those that are alike have
 * one address, by which the others are compared. */
#include "cli/who/intern.h"

#include "cli/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define HASH(hash, value) hash_index_hash(hash, &(value), sizeof(value))

/* Returns the number of an entry. */
static uint32_t intern(hash_index *x, const hash_index_kind *kind, const void *wanted) {
  const char *entry = hash_index_find(x, kind, wanted);
  if (!entry)
    entry = hash_index_add(x, kind, wanted);
  return (uint32_t)((size_t)(entry - (const char *)x->entries) / kind->entry_size);
}

/* ---- texts ---- */

static uint64_t hash_text(const void *entry) {
  const char *text = *(const char *const *)entry;
  return hash_index_hash(HASH_INDEX_START, text, strlen(text));
}

static bool same_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b) == 0;
}

static const hash_index_kind texts = {sizeof(char *), hash_text, same_text};

const char *who_intern_text(who_model *m, const char *text) {
  char *const *known = hash_index_find(&m->texts, &texts, &text);
  if (known)
    return *known;
  char *copy = memory_copy(text);
  hash_index_add(&m->texts, &texts, &copy);
  return copy;
}

/* ---- lines of Python ---- */

static uint64_t hash_frame(const void *entry) {
  const who_frame *f = entry;
  return HASH(HASH(HASH(HASH_INDEX_START, f->file), f->function), f->line);
}

static bool same_frame(const void *a, const void *b) {
  const who_frame *one = a, *other = b;
  return one->file == other->file && one->function == other->function && one->line == other->line &&
         one->first_line == other->first_line;
}

uint32_t who_intern_frame(who_model *m, const who_frame *frame) {
  static const hash_index_kind frames = {sizeof(who_frame), hash_frame, same_frame};
  return intern(&m->frames, &frames, frame);
}

/* ---- native code ---- */

static uint64_t hash_module(const void *entry) {
  const who_module *m = entry;
  return hash_index_hash(HASH(HASH_INDEX_START, m->path), m->build_id, m->build_id_bytes);
}

static bool same_module(const void *a, const void *b) {
  const who_module *one = a, *other = b;
  return one->path == other->path && one->build_id_bytes == other->build_id_bytes &&
         memcmp(one->build_id, other->build_id, one->build_id_bytes) == 0;
}

uint32_t who_intern_module(who_model *m, const who_module *module) {
  static const hash_index_kind modules = {sizeof(who_module), hash_module, same_module};
  uint32_t number = intern(&m->modules, &modules, module);
  who_module *known = who_module_at(m, number);
  known->from = module->from < known->from ? module->from : known->from;
  known->to = module->to > known->to ? module->to : known->to;
  return number;
}

static uint64_t hash_native(const void *entry) {
  const who_native *n = entry;
  return HASH(HASH(HASH_INDEX_START, n->module), n->value);
}

static bool same_native(const void *a, const void *b) {
  const who_native *one = a, *other = b;
  return one->module == other->module && one->value == other->value;
}

uint32_t who_intern_native(who_model *m, uint32_t module, uint64_t value) {
  static const hash_index_kind natives = {sizeof(who_native), hash_native, same_native};
  return intern(&m->natives, &natives, &(who_native){.module = module, .value = value, .name = "?"});
}

/* ---- threads ---- */

static uint64_t hash_thread(const void *entry) {
  const who_thread *t = entry;
  return HASH(HASH(HASH_INDEX_START, t->process), t->number);
}

static bool same_thread(const void *a, const void *b) {
  const who_thread *one = a, *other = b;
  return one->process == other->process && one->number == other->number && one->name == other->name;
}

uint32_t who_intern_thread(who_model *m, const who_thread *thread) {
  static const hash_index_kind threads = {sizeof(who_thread), hash_thread, same_thread};
  return intern(&m->threads, &threads, thread);
}

/* ---- stacks ---- */

static size_t words_size(const who_stack *s) {
  return ((size_t)s->native_count + s->python_count) * sizeof *s->words;
}

static uint64_t hash_stack(const void *entry) {
  const who_stack *s = entry;
  return hash_index_hash(HASH(HASH(HASH_INDEX_START, s->kind), s->pool), s->words, words_size(s));
}

static bool same_stack(const void *a, const void *b) {
  const who_stack *one = a, *other = b;
  return one->kind == other->kind && one->other == other->other && one->pool == other->pool &&
         one->native_count == other->native_count && one->python_count == other->python_count &&
         memcmp(one->words, other->words, words_size(one)) == 0;
}

uint32_t who_intern_stack(who_model *m, const who_stack *stack) {
  static const hash_index_kind stacks = {sizeof(who_stack), hash_stack, same_stack};
  size_t before = m->stacks.count;
  uint32_t number = intern(&m->stacks, &stacks, stack);
  if (m->stacks.count > before) {
    who_stack *added = who_stack_at(m, number);
    added->words = memory_grow(NULL, words_size(stack) + 1, 1);
    memcpy(added->words, stack->words, words_size(stack));
  }
  return number;
}
