/* A library that Python loads by ctypes, to read its own frames as an allocation does: python_frames of
 * lib/profile, with a layout that can be damaged before. frames.py uses it. */
#include "probe_frames.h"
#include "profile/python_frames.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST   2048

/* Python alone calls these. */
EXPORT int probe_damage(const char *field, int by);
EXPORT int probe_layout(const char *field);
EXPORT int probe_start(void);
EXPORT int probe_state(void);
EXPORT int64_t probe_failed(void);
EXPORT void probe_version(char *out);
EXPORT int probe_text_has(uint64_t address);
EXPORT long probe_walk(char *out, size_t size, size_t most);
EXPORT long probe_count(long times);
EXPORT long probe_in_thread(long (*call)(void));

/* ---- layouts ---- */

static python_layout layout; /* as it was found, before it was damaged */
static python_layout damage; /* is added to it */

/* Stands in for the product's, which is compiled under the other name. */
bool python_layouts_find(const char *version, const void *runtime, python_layout *out) {
  if (!python_layouts_find_true(version, runtime, &layout))
    return false;
  *out = layout;
#define X(name) out->name = (int16_t)(out->name + damage.name);
  PYTHON_LAYOUT_FIELDS(X)
#undef X
  return true;
}

int probe_damage(const char *field, int by) {
#define X(name)                                                                                              \
  if (strcmp(field, #name) == 0) {                                                                           \
    damage.name = (int16_t)by;                                                                               \
    return 1;                                                                                                \
  }
  PYTHON_LAYOUT_FIELDS(X)
#undef X
  return 0;
}

static int16_t value_of(const char *field) {
#define X(name)                                                                                              \
  if (strcmp(field, #name) == 0)                                                                             \
    return layout.name;
  PYTHON_LAYOUT_FIELDS(X)
  X(instruction_bytes)
  X(text_state_skip)
#undef X
  abort();
}

int probe_layout(const char *field) { return value_of(field); }

/* ---- the interpreter ---- */

int probe_start(void) { return python_frames_start(); }
int probe_state(void) { return (int)python_frames_state(); }
int64_t probe_failed(void) { return python_frames_failed_walks(); }
void probe_version(char *out) { python_frames_version(out); }

/* Returns whether the function of an address lies in the interpreter's code. */
int probe_text_has(uint64_t address) {
  uint64_t from, to;
  return python_frames_text(&from, &to) && address >= from && address < to;
}

/* ---- walks ---- */

static size_t append(char *out, size_t used, size_t size, const void *text, size_t bytes) {
  if (used + bytes > size)
    abort();
  memcpy(out + used, text, bytes);
  return used + bytes;
}

/* For each frame: the bytes of its python_frame, its line and its first line, file and function, each with a
 * NUL. Returns the number of frames; -1 if one cannot be described, -2 if errno is another than before. */
long probe_walk(char *out, size_t size, size_t most) {
  python_frame frames[MOST];
  python_line line;
  size_t used = 0;
  errno = 4711;
  size_t count = python_frames_walk(frames, most < MOST ? most : MOST);
  for (size_t i = 0; i < count; i++) {
    memset(&line, 'x', sizeof line);
    if (!python_frames_describe(&frames[i], &line))
      return -1;
    used = append(out, used, size, &frames[i], sizeof frames[i]);
    used = append(out, used, size, &line.line, sizeof line.line);
    used = append(out, used, size, &line.first_line, sizeof line.first_line);
    used = append(out, used, size, line.file, strlen(line.file) + 1);
    used = append(out, used, size, line.function, strlen(line.function) + 1);
  }
  return errno == 4711 ? (long)count : -2;
}

/* Returns the frames of so many walks, added up. */
long probe_count(long times) {
  python_frame frames[64];
  long sum = 0;
  while (times-- > 0)
    sum += (long)python_frames_walk(frames, 64);
  return sum;
}

/* ---- a thread that Python does not know ---- */

typedef struct errand {
  long (*call)(void);
  long result;
} errand;

static void *run_errand(void *argument) {
  errand *e = argument;
  e->result = e->call ? e->call() : probe_count(1);
  return NULL;
}

/* Returns what the function returns there; of NULL, how many frames there are. */
long probe_in_thread(long (*call)(void)) {
  pthread_t thread;
  errand e = {.call = call};
  if (pthread_create(&thread, NULL, run_errand, &e) != 0 || pthread_join(thread, NULL) != 0)
    abort();
  return e.result;
}
