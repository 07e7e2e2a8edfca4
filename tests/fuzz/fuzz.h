/* What the fuzz targets share: the checks on figures that were read, whatever they were read from. */
#ifndef FUZZ_H
#define FUZZ_H

#include "cli/stats/stats.h"

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry; its name and type are fixed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file in memory that holds these bytes, until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Take the text up to the next NUL, or to the end, off the input, cut off to `size` bytes with its NUL. */
void fuzz_take_text(const uint8_t **data, size_t *left, char *out, size_t size);

/* Reports of figures, alone and added up, in every format, to nowhere. */
void fuzz_use_figures(const stats *f);

#endif
