/* The loader's list of libraries: the input is a library's name, a NUL, and the file. */
#include "fuzz.h"

#include "cli/program/library_cache.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char name[256], path[PATH_MAX];
  library_cache c;
  fuzz_take_text(&data, &size, name, sizeof name);
  library_cache_load(fuzz_file(data, size), &c);
  if (library_cache_find(&c, name, path) && strnlen(path, sizeof path) == sizeof path)
    abort();
  library_cache_free(&c);
  return 0;
}
