/* Finds which of some words was meant by one that is none of them. */
#ifndef ARROWPOOL_CLI_BASE_NEAREST_H
#define ARROWPOOL_CLI_BASE_NEAREST_H

#include <stdbool.h>

/* Longer words are nobody's: bytes, with the NUL. */
#define NEAREST_WORD_BYTES 64

typedef struct nearest {
  const char *text; /* what was given */
  const char
      *word;      /* the nearest so far, of those that took the fewest edits the first; NULL: there is none */
  unsigned edits; /* that it takes */
} nearest;

/* Begins with what was given, which must live on, as must the words. */
nearest nearest_begin(const char *text);

/* Looks at one more word. Returns whether it is the nearest so far. */
bool nearest_try(nearest *n, const char *word);

/* Returns the nearest word, or NULL if it takes so many edits that it is hardly what was meant. */
const char *nearest_found(const nearest *n);

#endif
