/* Keeps stacks and their frames. An entry is complete before a reader can see it. */
#include "profile/stacks.h"

#include "base/locks.h"
#include "profile/modules.h"
#include "profile/store.h"
#include "profile/stream.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LONGEST_TEXT 1023

static uint64_t hash_bytes(const char *text, size_t length) {
  uint64_t hash = length;
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
  return store_mix(hash, 0);
}

/* ---- texts ---- */

static uint32_t find_text(const char *text, size_t length, uint64_t hash) {
  for (uint32_t unit = store_first(&store_strings, hash); unit; unit = store_strings.next[unit]) {
    const char *kept = store_record(PROFILE_STRINGS, unit * STORE_TEXT_UNIT);
    if (memcmp(kept, text, length) == 0 && !kept[length])
      return unit * STORE_TEXT_UNIT;
  }
  return 0;
}

uint32_t stacks_text(const char *text) {
  size_t length = strnlen(text, LONGEST_TEXT);
  uint64_t hash = hash_bytes(text, length);
  uint32_t found = find_text(text, length, hash);
  if (found)
    return found;
  uint32_t taken =
      store_take(PROFILE_STRINGS, (uint32_t)(length + STORE_TEXT_UNIT) / STORE_TEXT_UNIT * STORE_TEXT_UNIT);
  if (taken) {
    memcpy(store_record(PROFILE_STRINGS, taken), text, length); /* the rest is zero */
    store_link(&store_strings, hash, taken / STORE_TEXT_UNIT);
  }
  return taken;
}

/* A pool's name stays where it is, but another pool may get the place. */
uint32_t stacks_pool(const char *name) {
  static uint32_t last; /* a text; 0: none */
  static unsigned generation;
  unsigned now = atomic_load_explicit(&store_generation, memory_order_relaxed);
  if (!last || generation != now || strcmp(store_record(PROFILE_STRINGS, last), name) != 0) {
    last = stacks_text(name);
    generation = now;
  }
  return last;
}

/* ---- lines of Python ---- */

static uint64_t hash_frame(const python_frame *f) {
  return store_mix(store_mix(0, (uintptr_t)f->code), (uint64_t)(uint32_t)f->instruction);
}

uint32_t stacks_find_frame(const python_frame *frame) {
  uint64_t hash = hash_frame(frame);
  for (uint32_t number = store_first(&store_frames, hash); number; number = store_frames.next[number])
    if (memcmp(&store_frame_keys[number], frame, sizeof *frame) == 0)
      return number;
  return 0;
}

uint32_t stacks_add_frame(const python_frame *frame, const python_line *line) {
  uint32_t number = stacks_find_frame(frame); /* another thread may have been faster */
  if (number || !(number = store_take(PROFILE_FRAMES, 1)))
    return number;
  profile_frame *f = store_record(PROFILE_FRAMES, number);
  f->file = stacks_text(line->file);
  f->function = stacks_text(line->function);
  f->line = line->line;
  f->first_line = line->first_line;
  atomic_store_explicit(&f->ready, 1, memory_order_release);
  store_frame_keys[number] = *frame;
  store_link(&store_frames, hash_frame(frame), number);
  return number;
}

/* ---- modules ---- */

/* Returns the last module that was noted at the address; NULL if there is none. */
static const profile_module *module_at(uint64_t address) {
  uint32_t count = store_used(PROFILE_MODULES);
  while (--count) {
    const profile_module *m = store_record(PROFILE_MODULES, count);
    if (atomic_load_explicit(&m->ready, memory_order_acquire) && address - m->from < m->to - m->from)
      return m;
  }
  return NULL;
}

static bool is_known(const modules_found *found) {
  const profile_module *m = module_at(found->from);
  return m && m->from == found->from && m->to == found->to &&
         memcmp(m->build_id, found->build_id, sizeof found->build_id) == 0;
}

static void note_module(const modules_found *found) {
  uint32_t number = is_known(found) ? 0 : store_take(PROFILE_MODULES, 1);
  if (!number)
    return;
  profile_module *m = store_record(PROFILE_MODULES, number);
  m->from = found->from;
  m->to = found->to;
  m->bias = found->bias;
  m->build_id_bytes = found->build_id_bytes;
  memcpy(m->build_id, found->build_id, sizeof m->build_id);
  m->path = stacks_text(found->path);
  atomic_store_explicit(&m->ready, 1, memory_order_release);
}

void stacks_note_modules(const stacks_walk *walk) {
  modules_found found;
  for (uint32_t i = 0; i < walk->native_count; i++)
    if (modules_find(walk->words[i] - 1, &found) && !is_known(&found)) {
      locks_acquire(LOCK_PROFILE);
      note_module(&found);
      locks_release(LOCK_PROFILE);
    }
}

/* ---- stacks ---- */

/* Returns whether the file, to which others could write, has the words that a stack is said to have. */
static bool has_words(const profile_stack *s) {
  return s->native_count <= PROFILE_MOST_NATIVE && s->python_count <= PROFILE_MOST_PYTHON &&
         s->words < store_used(PROFILE_WORDS);
}

static bool is_stack(const profile_stack *s, const stacks_walk *walk, uint32_t pool) {
  size_t count = (size_t)walk->native_count + walk->python_count;
  return s->native_count == walk->native_count && s->python_count == walk->python_count &&
         s->kind == (uint32_t)walk->kind && s->pool == pool && has_words(s) &&
         memcmp(store_record(PROFILE_WORDS, s->words), walk->words, count * sizeof *walk->words) == 0;
}

uint32_t stacks_number(const stacks_walk *walk, uint32_t pool, bool *is_new) {
  uint32_t count = (uint32_t)walk->native_count + walk->python_count;
  uint64_t hash = store_mix((uint64_t)walk->kind << 32 | pool, count);
  for (uint32_t i = 0; i < count; i++)
    hash = store_mix(hash, walk->words[i]);
  for (uint32_t number = store_first(&store_stacks, hash); number; number = store_stacks.next[number])
    if (store_stack_hashes[number] == hash && is_stack(store_record(PROFILE_STACKS, number), walk, pool))
      return number;
  *is_new = true;
  uint32_t words = count ? store_take(PROFILE_WORDS, count) : 0;
  uint32_t number = words || !count ? store_take(PROFILE_STACKS, 1) : 0;
  if (!number)
    return 0;
  profile_stack *s = store_record(PROFILE_STACKS, number);
  if (count)
    memcpy(store_record(PROFILE_WORDS, words), walk->words, count * sizeof *walk->words);
  s->words = words;
  s->native_count = walk->native_count;
  s->python_count = walk->python_count;
  s->kind = (uint32_t)walk->kind;
  s->pool = pool;
  atomic_store_explicit(&s->ready, 1, memory_order_release);
  store_stack_hashes[number] = hash;
  store_link(&store_stacks, hash, number);
  return number;
}

void stacks_append_python(uint32_t stack, stacks_walk *walk) {
  const profile_stack *s = store_record(PROFILE_STACKS, stack < store_used(PROFILE_STACKS) ? stack : 0);
  if (!has_words(s))
    return;
  const uint64_t *words = store_record(PROFILE_WORDS, s->words + s->native_count);
  memcpy(walk->words + walk->native_count, words, s->python_count * sizeof *words);
  walk->python_count = s->python_count;
}

/* ---- threads ---- */

uint32_t stacks_thread(void) {
  stream *own = &stream_own;
  unsigned generation = atomic_load_explicit(&store_generation, memory_order_relaxed) + 1;
  if (own->thread_generation == generation)
    return own->thread;
  own->thread_generation = generation;
  own->thread = store_take(PROFILE_THREADS, 1);
  if (own->thread) {
    profile_thread *t = store_record(PROFILE_THREADS, own->thread);
    prctl(PR_GET_NAME, t->name);
    atomic_store_explicit(&t->number, (int32_t)syscall(SYS_gettid), memory_order_release);
  }
  return own->thread;
}
