/* Text output without malloc, stdio or locale: usable in a signal handler, before main and after exit.
 * Collects into a small buffer and hands it to a callback. */
#ifndef ARROWPOOL_BASE_WRITER_H
#define ARROWPOOL_BASE_WRITER_H

#include "arrowpool.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct writer {
  arrowpool_write_fn write;
  void *context;
  size_t used;
  bool failed; /* the callback refused: the rest is dropped */
  char buffer[1024];
} writer;

void writer_init(writer *w, arrowpool_write_fn write, void *context);
/* False if the callback refused anything. */
bool writer_finish(writer *w);

void writer_text(writer *w, const char *text);
/* As much of `text` as `size` bytes. */
void writer_bytes(writer *w, const char *text, size_t size);
void writer_int(writer *w, int64_t number);
/* An address, as printf("%p") has it. */
void writer_address(writer *w, const void *address);
/* Seconds with three decimals. */
void writer_milliseconds(writer *w, int64_t milliseconds);
/* A JSON string, quoted and escaped; what is not UTF-8 becomes U+FFFD. */
void writer_json_string(writer *w, const char *text);
/* A label's value in Prometheus's exposition format, likewise. */
void writer_label(writer *w, const char *text);

/* For people, on a terminal: what is no text, what terminals obey, and what turns directions becomes "?". The
 * same in place; and the columns that it takes. (writer_columns.c) */
void writer_printable(writer *w, const char *text);
void writer_make_printable(char *text);
int writer_columns(const char *text);

/* Length of the well-formed UTF-8 character at `text` (RFC 3629), bytes; 0: there is none. */
size_t writer_character_length(const char *text);

/* Into `out` (at least 24 bytes), returning the length, without a NUL: a number; a size as people read it
 * ("1.5 GiB"). */
size_t writer_format_int(char *out, int64_t number);
size_t writer_format_size(char *out, int64_t size);

#endif
