/* Preloaded into Python: each allocation reads the frames of its thread, and some describe them, whatever the
 * interpreter is doing just then. At exit it says on stderr whether there were frames, and how often they
 * could not be read. */
#include "profile/python_frames.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* glibc's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *buffer, size_t size);

#define EXPORT __attribute__((visibility("default")))
EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *buffer, size_t size);

#define EACH_DESCRIBED 61 /* walks: to describe one takes longer */

static _Atomic int64_t walks, not_described;
static __thread bool is_reading;

static void read_frames(void) {
  python_frame frames[64];
  python_line line;
  if (is_reading)
    return;
  is_reading = true;
  size_t count = python_frames_walk(frames, 64);
  for (size_t i = 0; walks % EACH_DESCRIBED == 0 && i < count; i++)
    if (!python_frames_describe(&frames[i], &line) && python_frames_walk(frames, 1) > 0)
      not_described++; /* and not only for that the interpreter began to end */
  walks += count > 0;
  is_reading = false;
}

void *malloc(size_t size) {
  read_frames();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  read_frames();
  return __libc_calloc(count, size);
}

void *realloc(void *buffer, size_t size) {
  read_frames();
  return __libc_realloc(buffer, size);
}

__attribute__((constructor)) static void begin(void) {
  is_reading = true;
  python_frames_start();
  is_reading = false;
}

__attribute__((destructor)) static void tell(void) {
  dprintf(STDERR_FILENO, "%s walks, %ld failed, %ld not described, state %d\n",
          walks > 10000 ? "many" : "few", (long)python_frames_failed_walks(), (long)not_described,
          (int)python_frames_state());
}
