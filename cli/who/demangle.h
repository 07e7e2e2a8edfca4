/* Names of functions as people read them. */
#ifndef ARROWPOOL_CLI_WHO_DEMANGLE_H
#define ARROWPOOL_CLI_WHO_DEMANGLE_H

#include <stddef.h>

/* Writes a symbol's name as C++ has it, or as it is, where it is none of C++'s or the C++ library is not
 * there. It is printable, and cut off to `size` bytes. */
void who_demangle(const char *symbol, char *out, size_t size);

/* Writes such a name without return type, template arguments and parameters:
 * "arrow::csv::{anon}::Converter::Convert". `out` has `size` bytes. */
void who_shorten(const char *name, char *out, size_t size);

#endif
