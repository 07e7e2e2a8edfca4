/* Dumps, as jansson parses them: the input is the text of one. */
#include "fuzz.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_error_t error;
  stats f;
  json_t *dump = json_loadb((const char *)data, size, 0, &error);
  if (!dump)
    return 0;
  if (!stats_from_json(dump, &f)) {
    fuzz_use_figures(&f);
    stats_free(&f);
  }
  json_decref(dump);
  return 0;
}
