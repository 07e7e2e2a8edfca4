/* Sizes in words, as programs and services write them that start programs: "512M", "1.5GiB", "8Gi", "8gb". */
#ifndef ARROWPOOL_OPTIONS_SIZES_H
#define ARROWPOOL_OPTIONS_SIZES_H

#include <stdbool.h>
#include <stdint.h>

/* Parses a size of a byte or more; units are powers of 1024, and a fraction is rounded down. Returns false,
 * with `out` untouched, if it is none. */
bool sizes_parse(const char *text, int64_t *out);

/* Returns why a size is refused that others write, with "; " behind it; "" if nobody does. */
const char *sizes_reason(const char *text);

#endif
