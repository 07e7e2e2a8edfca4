/* Strings of the interpreter's, read without its help. */
#ifndef ARROWPOOL_PROFILE_PYTHON_TEXT_H
#define ARROWPOOL_PROFILE_PYTHON_TEXT_H

#include "profile/python_runtime.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct python_text {
  const unsigned char *characters;
  size_t count;
  unsigned width;     /* bytes of a character: 1, 2 or 4 */
  bool has_beginning; /* else these are only the last ones of a string */
} python_text;

/* Finds the last characters of a string, `most` at most, from 1 on. The kernel is asked about all that is
 * read: returns false if something cannot be, or `object` is not a string; `out` is untouched then.
 * Async-signal-safe; keeps errno. */
bool python_text_find(const python_runtime *python, const void *object, size_t most, python_text *out);

/* Writes it as UTF-8 with a NUL into `size` bytes, from 8 on: only its end, behind "...", if it is too long,
 * since the end of a path or of a qualified name says more. What has no place in a text is U+FFFD. */
void python_text_write(const python_text *text, char *out, size_t size);

#endif
