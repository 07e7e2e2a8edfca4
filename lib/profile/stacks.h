/* Stacks, their frames and what these need, each kept once in the profile's file. Under LOCK_PROFILE; where
 * there is no room the number is 0. */
#ifndef ARROWPOOL_PROFILE_STACKS_H
#define ARROWPOOL_PROFILE_STACKS_H

#include "profile/profile_format.h"
#include "profile/python_frames.h"

#include <stdbool.h>
#include <stddef.h>

/* A stack as it was walked: native frames as return addresses and then, if there are any, Python's as numbers
 * of PROFILE_FRAMES; both innermost first. */
typedef struct stacks_walk {
  uint64_t words[PROFILE_MOST_NATIVE + PROFILE_MOST_PYTHON];
  uint16_t native_count, python_count;
  profile_kind kind;
} stacks_walk;

/* Returns the number of a text, which is kept from its first byte on and cut off after 1,023; of a pool's
 * name, which is quick where the same pool comes again. */
uint32_t stacks_text(const char *text);
uint32_t stacks_pool(const char *name);

/* They find and add a line of Python; 0: it is not there. */
uint32_t stacks_find_frame(const python_frame *frame);
uint32_t stacks_add_frame(const python_frame *frame, const python_line *line);

/* Returns the number of a stack of a pool (a number of PROFILE_STRINGS). `is_new` becomes true if nobody had
 * it before: then stacks_note_modules is to be called, without the lock, since it may ask the loader. */
uint32_t stacks_number(const stacks_walk *walk, uint32_t pool, bool *is_new);
void stacks_note_modules(const stacks_walk *walk);

/* Appends the Python frames of a stack to the walk. */
void stacks_append_python(uint32_t stack, stacks_walk *walk);

/* Returns the number of the calling thread. */
uint32_t stacks_thread(void);

#endif
