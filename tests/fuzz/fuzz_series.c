/* Time series, as `arrowpool plot` reads them: the input is the text of a .jsonl file. What gnuplot is told
 * then has no text outside of quotes, whatever names say. */
#include "fuzz.h"

#include "cli/plot/series.h"

#include <stdlib.h>
#include <string.h>

static void take(void *context, stats *f) { series_add(context, f); }

static void check_commands(const char *text) {
  for (size_t quotes = 0; *text; text++) {
    quotes += *text == '\'';
    if (((unsigned char)*text < ' ' && *text != '\n') || (*text == '\n' && quotes % 2))
      abort();
  }
}

static void read_series(const char *path, const char *pool) {
  series_set set = {.pool = pool};
  char *commands = NULL;
  size_t size;
  stats_read_each(path, take, &set);
  series_finish(&set);
  if (set.count) {
    FILE *out = open_memstream(&commands, &size);
    if (!out)
      abort();
    series_write_commands(&set, set.items[0].process.program, set.count % 2, (series_size){0}, out);
    fclose(out);
    check_commands(commands);
    free(commands);
  }
  series_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = fuzz_file(data, size);
  read_series(path, NULL);
  read_series(path, "libc");
  return 0;
}
