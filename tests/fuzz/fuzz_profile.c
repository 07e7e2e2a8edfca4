/* The reader of profiles, which opens a path: the input is the file. What was read is added twice, as what is
 * and what was, and written in each format, to nowhere. */
#include "fuzz.h"

#include "cli/who/who.h"

#include <stdlib.h>

static void use(const uint8_t *data, size_t size, who_what what, who_by by) {
  static void (*const formats[])(FILE *, const who_model *) = {who_write_text,   who_write_json,
                                                               who_write_folded, who_write_speedscope,
                                                               who_write_pprof,  who_write_html};
  static FILE *nowhere;
  who_model m = {.what = what, .by = by};
  const char *path = fuzz_file(data, size);
  if (!nowhere)
    nowhere = fopen("/dev/null", "w");
  if (who_add_file(&m, path, false))
    return;
  if (!who_add_file(&m, path, false)) /* it is the same process */
    abort();
  if (by == WHO_BY_POOL && who_add_file(&m, path, true))
    abort();
  who_find_symbols(&m);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    formats[i](nowhere, &m);
  who_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  who_top_line lines[3];
  use(data, size, WHO_LIVE, WHO_BY_LINE);
  use(data, size, WHO_LIVE, WHO_BY_THREAD);
  use(data, size, WHO_TOTAL, WHO_BY_POOL);
  use(data, size, WHO_PEAK, WHO_BY_NATIVE);
  who_top_lines(fuzz_file(data, size), 3, lines);
  return 0;
}
