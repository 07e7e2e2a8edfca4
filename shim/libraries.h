/* The libraries that are loaded, one at a time: the loader must not be asked for anything from within its own
 * iteration. What is loaded or unloaded meanwhile may be missed. */
#ifndef ARROWPOOL_SHIM_LIBRARIES_H
#define ARROWPOOL_SHIM_LIBRARIES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* It begins with zeroes. */
typedef struct libraries_iterator {
  size_t passed;
  char file[PATH_MAX]; /* as the loader has it; "": the program */
} libraries_iterator;

/* Goes on to the next one. Returns false if there is none. It takes the loader's lock. */
bool libraries_next(libraries_iterator *i);

#endif
