/* Finds the process's Python interpreter: what of it python_frames calls and reads. */
#ifndef ARROWPOOL_PROFILE_PYTHON_RUNTIME_H
#define ARROWPOOL_PROFILE_PYTHON_RUNTIME_H

#include "profile/profile_format.h"
#include "profile/python_layouts.h"

#define PYTHON_VERSION_BYTES 32

typedef struct python_runtime {
  profile_python state; /* READ, or UNKNOWN: then all but the version and the text may be missing */
  char version[PYTHON_VERSION_BYTES];
  uint64_t text_from, text_to; /* addresses: of the code of the library or program that has it; 0: unknown */
  python_layout layout;
  const void *code_type, *text_type;    /* what the types' objects are told by */
  void *(*thread_state)(void);          /* of this thread; NULL if it is not Python's */
  int (*is_finalizing)(void);           /* from the interpreter's end on */
  int (*line_of)(void *code, int byte); /* of an instruction; below 1 if it has none */
} python_runtime;

/* Looks for an interpreter, initialized or not, also one that is loaded for its user alone. What it finds is
 * never unloaded. Returns false if there is none; `out` is untouched then.
 *
 * It takes the loader's lock and may allocate, as dlsym does, but is quick while nothing was loaded since it
 * found nothing. One thread at a time may call it. Keeps errno. */
bool python_runtime_find(python_runtime *out);

/* Looks likewise, at each call, and returns the interpreter's own function that says whether it has begun to
 * end, of which it may be NULL: there is no interpreter. */
typedef int python_runtime_is_ending(void);
python_runtime_is_ending *python_runtime_find_end(void);

#endif
