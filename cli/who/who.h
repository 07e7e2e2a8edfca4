/* The formats of `arrowpool who`, and what other commands say of who holds the memory. */
#ifndef ARROWPOOL_CLI_WHO_WHO_H
#define ARROWPOOL_CLI_WHO_WHO_H

#include "cli/who/model.h"

#include <stdio.h>

/* They write the model, whose symbols have been looked for, by its m->what; text, json and html by its m->by,
 * too. Whether all could be written, the stream tells. */
void who_write_text(FILE *out, const who_model *m);
void who_write_json(FILE *out, const who_model *m);
void who_write_folded(FILE *out, const who_model *m);
void who_write_speedscope(FILE *out, const who_model *m);
void who_write_pprof(FILE *out, const who_model *m);
void who_write_html(FILE *out, const who_model *m);

/* A line of Python with what lives of it. */
enum { WHO_TOP_TEXT = 256 };
typedef struct who_top_line {
  char text[WHO_TOP_TEXT]; /* "etl.py:12 load", printable */
  bool by_task;            /* Arrow's threads allocated it, for a task that was given there */
  int64_t bytes;           /* as estimated */
  double share;            /* of all that lives, 0 to 1 */
} who_top_line;

/* Reads a profile and writes its n largest lines of live bytes, the largest first. Returns false if it cannot
 * be read. What is left of `out` has an empty text. Symbols are not looked for, which is what takes time. */
bool who_top_lines(const char *path, size_t n, who_top_line *out);

/* Does so for several profiles, added up, and leaves out those that cannot be read. Returns how many were. */
size_t who_top_lines_of(char *const paths[], size_t count, size_t n, who_top_line *out);

#endif
