/* Text output without malloc, stdio or locale: it can be used in a signal handler, before main and after
 * exit. It collects text in a small buffer and hands it to a callback. */
#ifndef ARROWPOOL_BASE_WRITER_H
#define ARROWPOOL_BASE_WRITER_H

#include "arrowpool.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct writer {
  arrowpool_write_fn write;
  void *context;
  size_t used;
  bool failed; /* the callback refused, and the rest is dropped */
  char buffer[1024];
} writer;

void writer_init(writer *w, arrowpool_write_fn write, void *context);
/* Hands on what is left. Returns false if the callback refused anything. */
bool writer_finish(writer *w);

/* A callback that keeps the text, in room of the caller's with a NUL behind: what finds no room is cut off,
 * and refused. */
typedef struct writer_kept {
  char *text;
  size_t size, used; /* bytes; the size has the NUL */
} writer_kept;
int writer_keep(void *kept, const char *text, size_t size);

void writer_text(writer *w, const char *text);
/* Writes as printf does, which knows only %s, %ld (an int64_t) and %p here. */
void writer_print(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes `size` bytes of `text`. */
void writer_bytes(writer *w, const char *text, size_t size);
void writer_int(writer *w, int64_t number);
/* Writes milliseconds as seconds with three decimals. */
void writer_milliseconds(writer *w, int64_t milliseconds);
/* Writes a JSON string, quoted and escaped; what is not UTF-8 becomes U+FFFD. */
void writer_json_string(writer *w, const char *text);
/* Writes a label's value in Prometheus's exposition format, likewise. */
void writer_label(writer *w, const char *text);

/* These are for people on a terminal: what is no text, what terminals obey, and what turns directions becomes
 * "?". The first writes the text, the second changes it in place, the third tells the columns that it takes.
 * (writer_columns.c) */
void writer_printable(writer *w, const char *text);
void writer_make_printable(char *text);
int writer_columns(const char *text);

/* Returns the length (bytes) of the well-formed UTF-8 character at `text` (RFC 3629); 0 if there is none. */
size_t writer_character_length(const char *text);

/* They write into `out` (at least 24 bytes), and return the length without the NUL: a number; a size as
 * people read it ("1.5 GiB"); and, in four columns at most, a number by powers of `step`: of 1024 for a size
 * ("1.5G"), of 1000 for a count ("999", "12k"). */
size_t writer_format_int(char *out, int64_t number);
size_t writer_format_size(char *out, int64_t size);
size_t writer_format_short(char *out, int64_t number, unsigned step);

/* Returns a size as such a text, in the caller's `out`; "?" where nobody knows it. */
const char *writer_size_text(char out[24], int64_t size);
#define SIZE_TEXT(size) writer_size_text((char[24]){0}, size)

#endif
