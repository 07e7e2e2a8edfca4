/* Walks the frames of the calling thread and describes them. */
#include "profile/python_frames.h"

#include "base/readable.h"
#include "profile/python_text.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static_assert(sizeof(python_frame) == 4 * sizeof(void *) + 2 * sizeof(int32_t), "there are bytes left over");

#define PROBED_WALKS      4   /* so many are made with the kernel asked; and as many after one that failed */
#define MOST_FAILED_WALKS 16  /* where none came to its end, there is no use in more */
#define MOST_SKIPPED      256 /* frames without code of a program's, among the others */

/* What owns a frame, from 3.11 on. From the first of these on it has no code of a program's. */
#define OWNER_INTERPRETER 3
#define OWNER_LAST        4

static python_runtime python; /* complete before `state` says that there is one */
static _Atomic uint32_t state = PROFILE_PYTHON_ABSENT;
static _Atomic bool is_looking, is_proven; /* proven: a walk came to its end */
static _Atomic int probed_walks_left = PROBED_WALKS;
static _Atomic int64_t failed_walks;

/* ---- the interpreter ---- */

bool python_frames_start(void) {
  if (python_frames_state() == PROFILE_PYTHON_ABSENT && !atomic_exchange(&is_looking, true)) {
    if (python_frames_state() == PROFILE_PYTHON_ABSENT && python_runtime_find(&python))
      atomic_store_explicit(&state, python.state, memory_order_release);
    atomic_store(&is_looking, false);
  }
  return python_frames_state() == PROFILE_PYTHON_READ;
}

profile_python python_frames_state(void) { return atomic_load_explicit(&state, memory_order_acquire); }

void python_frames_version(char out[PYTHON_VERSION_BYTES]) {
  if (python_frames_state() == PROFILE_PYTHON_ABSENT)
    memset(out, 0, PYTHON_VERSION_BYTES);
  else
    memcpy(out, python.version, PYTHON_VERSION_BYTES);
}

bool python_frames_text(uint64_t *from, uint64_t *to) {
  if (python_frames_state() == PROFILE_PYTHON_ABSENT || python.text_to == 0)
    return false;
  *from = python.text_from;
  *to = python.text_to;
  return true;
}

int64_t python_frames_failed_walks(void) { return atomic_load_explicit(&failed_walks, memory_order_relaxed); }

/* ---- a walk ---- */

typedef enum walk_end { WALK_COMPLETE, WALK_FAILED, WALK_AT_EXIT } walk_end;

typedef struct walk {
  python_frame *out;
  size_t most, count, skipped;
  bool is_probed;
} walk;

/* Reads a field of an object. Returns false if it cannot be read, as far as that is asked. */
static inline bool read_field(const walk *w, const char *object, int position, void *out, size_t size) {
  if (w->is_probed && !readable(object + position, size))
    return false;
  memcpy(out, object + position, size);
  return true;
}

#define READ(w, object, position, out) read_field(w, object, position, &(out), sizeof(out))

/* Returns whether an object can lie there, for all that is seen without looking. */
static bool is_object(const char *address) {
  return (uintptr_t)address % sizeof(void *) == 0 && (uintptr_t)address >= 4096;
}

static bool find_innermost(const walk *w, const char **out) {
  const python_layout *l = &python.layout;
  const char *holder = python.thread_state();
  *out = NULL;
  if (!holder)
    return true;
  if (l->holder_frame == PYTHON_NO_FIELD)
    return is_object(holder) && READ(w, holder, l->thread_frame, *out);
  return is_object(holder) && READ(w, holder, l->thread_frame, holder) && is_object(holder) &&
         READ(w, holder, l->holder_frame, *out);
}

/* Finds the first of the instructions that a frame runs: its code's, or a thread's own copy of them. Other
 * threads may replace the table of the copies, so the kernel is always asked about it. */
static bool find_first_instruction(const walk *w, const char *frame, const char *code, uintptr_t *out) {
  const python_layout *l = &python.layout;
  const walk asks = {.is_probed = true};
  const char *copies;
  int64_t count;
  int32_t index = 0;
  if (l->frame_copy != PYTHON_NO_FIELD && !READ(w, frame, l->frame_copy, index))
    return false;
  *out = (uintptr_t)code + (uintptr_t)l->code_instructions;
  if (index == 0)
    return true;
  return READ(w, code, l->code_copies, copies) && is_object(copies) && READ(&asks, copies, 0, count) &&
         index > 0 && index < count &&
         READ(&asks, copies, (int)offsetof(python_copies, first) + index * (int)sizeof(char *), *out);
}

/* Reads where in its code a frame is. Returns false if it is not in it. */
static bool read_instruction(const walk *w, const char *frame, const char *code, int32_t *out) {
  const python_layout *l = &python.layout;
  if (l->code_instructions == PYTHON_NO_FIELD) {
    int32_t number;
    if (!READ(w, frame, l->frame_instruction, number) || number < -1 || number > INT32_MAX / 2)
      return false;
    *out = number * l->instruction_bytes;
    return true;
  }
  uintptr_t at, first;
  int64_t count;
  if (!READ(w, frame, l->frame_instruction, at) || !READ(w, code, l->object_count, count) ||
      !find_first_instruction(w, frame, code, &first))
    return false;
  int64_t bytes = (int64_t)(at - first);
  *out = (int32_t)bytes;
  return count <= INT32_MAX / 2 && bytes >= -l->instruction_bytes && bytes < count * l->instruction_bytes;
}

/* Strings are looked at when a frame is described; to prove the layout, they are looked at before. */
static bool has_texts(const python_frame *f) {
  python_text text;
  return python_text_find(&python, f->file, PYTHON_FILE_BYTES, &text) &&
         python_text_find(&python, f->function, PYTHON_FUNCTION_BYTES, &text);
}

static bool read_code(const walk *w, const char *code, python_frame *out) {
  const python_layout *l = &python.layout;
  const void *type;
  out->code = code;
  return is_object(code) && READ(w, code, l->object_type, type) && type == python.code_type &&
         READ(w, code, l->code_file, out->file) && READ(w, code, l->code_name, out->function) &&
         READ(w, code, l->code_lines, out->lines) && READ(w, code, l->code_first_line, out->first_line);
}

/* Adds a frame to those that were read, or skips it: the interpreter has pieces of code of its own, which
 * are of no file. */
static bool add_frame(walk *w, const char *frame) {
  python_frame f;
  uintptr_t code;
  if (!READ(w, frame, python.layout.frame_code, code))
    return false;
  code &= ~(uintptr_t)3; /* from 3.14 on these bits say how the reference is counted */
  if (!read_code(w, (const char *)code, &f))
    return false;
  if (!f.file || !f.function)
    return w->skipped++ < MOST_SKIPPED;
  if ((w->is_probed && !has_texts(&f)) || !read_instruction(w, frame, f.code, &f.instruction))
    return false;
  w->out[w->count++] = f;
  return true;
}

static bool add_or_skip(walk *w, const char *frame) {
  unsigned char owner = 0;
  int position = python.layout.frame_owner;
  if (position != PYTHON_NO_FIELD && !READ(w, frame, position, owner))
    return false;
  if (owner < OWNER_INTERPRETER)
    return add_frame(w, frame);
  return owner <= OWNER_LAST && w->skipped++ < MOST_SKIPPED;
}

static walk_end walk_frames(walk *w) {
  const char *frame;
  /* An interpreter that ends takes away the frames of the threads that are left. It says so before. */
  if (python.is_finalizing())
    return WALK_AT_EXIT;
  if (!find_innermost(w, &frame))
    return WALK_FAILED;
  while (frame && w->count < w->most) {
    if (python.is_finalizing())
      return WALK_AT_EXIT;
    if (!is_object(frame) || !add_or_skip(w, frame) || !READ(w, frame, python.layout.frame_previous, frame))
      return WALK_FAILED;
  }
  return WALK_COMPLETE;
}

/* Returns how many frames count of a walk that failed: those that were read, unless nothing says that they
 * were frames at all. */
static size_t note_failure(size_t count) {
  int64_t failures = atomic_fetch_add_explicit(&failed_walks, 1, memory_order_relaxed) + 1;
  atomic_store_explicit(&probed_walks_left, PROBED_WALKS, memory_order_relaxed);
  if (atomic_load_explicit(&is_proven, memory_order_relaxed))
    return count;
  if (failures >= MOST_FAILED_WALKS)
    atomic_store_explicit(&state, PROFILE_PYTHON_UNKNOWN, memory_order_release);
  return 0;
}

size_t python_frames_walk(python_frame *out, size_t most) {
  if (python_frames_state() != PROFILE_PYTHON_READ)
    return 0;
  int left = atomic_load_explicit(&probed_walks_left, memory_order_relaxed);
  walk w = {.out = out, .most = most, .is_probed = left > 0};
  switch (walk_frames(&w)) {
  case WALK_FAILED:
    return note_failure(w.count);
  case WALK_AT_EXIT:
    return 0;
  case WALK_COMPLETE:
    break;
  }
  if (w.is_probed && w.count > 1) { /* one alone does not show how they are chained */
    atomic_store_explicit(&is_proven, true, memory_order_relaxed);
    atomic_compare_exchange_strong(&probed_walks_left, &left, left - 1);
  }
  return w.count;
}

bool python_frames_describe(const python_frame *frame, python_line *out) {
  python_text file, function;
  if (python_frames_state() != PROFILE_PYTHON_READ || python.is_finalizing() ||
      !python_text_find(&python, frame->file, PYTHON_FILE_BYTES, &file) ||
      !python_text_find(&python, frame->function, PYTHON_FUNCTION_BYTES, &function))
    return false;
  python_text_write(&file, out->file, sizeof out->file);
  python_text_write(&function, out->function, sizeof out->function);
  int line = python.line_of((void *)(uintptr_t)frame->code, frame->instruction);
  out->line = line > 0 ? line : 0;
  out->first_line = frame->first_line > 0 ? frame->first_line : 0;
  return true;
}
