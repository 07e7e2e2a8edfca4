/* The reader of live files, which opens a path: the input is the file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  stats f;
  if (stats_read_live(fuzz_file(data, size), &f))
    return 0;
  fuzz_use_figures(&f);
  stats_free(&f);
  return 0;
}
