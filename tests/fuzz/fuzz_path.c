/* The path of a dump: the input is a directory, a pattern, a program and a host, separated by NULs. Names
 * stay within their component of the path, whatever is in them. */
#include "fuzz.h"

#include "options/options.h"
#include "shim/dump/dump_path.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t count(const char *text, char wanted) {
  size_t found = 0;
  for (; *text; text++)
    found += *text == wanted;
  return found;
}

static bool has_control(const char *text) {
  while (*text && !iscntrl((unsigned char)*text))
    text++;
  return *text;
}

static void check_components(const char *path) {
  for (size_t length; length = strcspn(path, "/"), true; path += length + 1) {
    if ((length == 1 && path[0] == '.') || (length == 2 && strncmp(path, "..", 2) == 0))
      abort();
    if (!path[length])
      return;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char directory[PATH_MAX], pattern[2 * PATH_MAX], out[PATH_MAX];
  snapshot_process process = {.pid = 4711, .start_time = 1700000000123};
  options_value value;
  fuzz_take_text(&data, &size, directory, sizeof directory);
  fuzz_take_text(&data, &size, pattern, sizeof pattern);
  fuzz_take_text(&data, &size, process.program, sizeof process.program);
  fuzz_take_text(&data, &size, process.host, sizeof process.host);
  if (!options_parse(&options_table[OPTION_STATS], pattern, &value) || !value.text)
    return 0;
  errno = 0;
  writer w;
  bool fits = dump_path_expand(out, &w, directory, pattern, &process);
  if (strnlen(out, sizeof out) == sizeof out || fits != (errno == 0) || (!fits && errno != ENAMETOOLONG))
    abort();
  if (fits && count(out, '/') != count(directory, '/') + (*directory != 0) + count(pattern, '/'))
    abort();
  if (has_control(out) && !has_control(directory) && !has_control(pattern))
    abort();
  if (fits && !count(directory, '.') && !count(pattern, '.'))
    check_components(out);
  return 0;
}
