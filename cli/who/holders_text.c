/* Writes what a process says of its holders as its package prints it (python/arrowpool/_holders.py). The
 * texts are another program's. */
#include "base/writer.h"
#include "cli/base/memory.h"
#include "cli/who/holders.h"

#include <stdlib.h>

enum { MOST_TYPES = 3 };

static long long number_of(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static void write_printable(FILE *out, const char *text) {
  char *copy = memory_copy(text ? text : "?");
  writer_make_printable(copy);
  fputs(copy, out);
  free(copy);
}

static void write_text_of(FILE *out, const json_t *object, const char *name) {
  write_printable(out, json_string_value(json_object_get(object, name)));
}

static void write_size_of(FILE *out, const json_t *object, const char *name, int width) {
  char size[24];
  writer_format_size(size, number_of(object, name));
  fprintf(out, "%*s", width, size);
}

static void write_summary(FILE *out, const json_t *answer) {
  fprintf(out, "pid %lld: %lld holders keep ", number_of(answer, "pid"), number_of(answer, "num_holders"));
  write_size_of(out, answer, "bytes_pinned", 0);
  fputs(" alive", out);
  if (number_of(answer, "bytes_mapped")) {
    fputs(", ", out);
    write_size_of(out, answer, "bytes_mapped", 0);
    fputs(" of it in mapped files", out);
  }
  if (json_is_integer(json_object_get(answer, "arrow_bytes"))) {
    fputs("; ", out);
    write_size_of(out, answer, "arrow_bytes", 0);
    fputs(" are live in Arrow's default pool", out);
  }
  fprintf(out, " (%lld objects in %.2f s)\n", number_of(answer, "num_visited"),
          json_number_value(json_object_get(answer, "seconds")));
  const json_t *missing = json_object_get(answer, "missing");
  for (size_t i = 0; i < json_array_size(missing); i++) {
    fputs("left out: ", out);
    write_printable(out, json_string_value(json_array_get(missing, i)));
    putc('\n', out);
  }
}

/* Writes the types of a holder's objects, the most frequent first, as they come. */
static void write_types(FILE *out, json_t *types) {
  void *at = json_object_iter(types);
  for (int i = 0; at && i < MOST_TYPES; i++, at = json_object_iter_next(types, at)) {
    fprintf(out, "%s%lld ", i ? ", " : "", (long long)json_integer_value(json_object_iter_value(at)));
    write_printable(out, json_object_iter_key(at));
  }
  if (at)
    fputs(", ...", out);
}

static void write_content(FILE *out, const json_t *holder) {
  long long objects = number_of(holder, "num_objects");
  const json_t *names = json_object_get(holder, "names");
  write_types(out, json_object_get(holder, "types"));
  if (number_of(holder, "num_unseen"))
    fprintf(out, " (%lld cannot be looked into)", number_of(holder, "num_unseen"));
  if (objects) {
    fputs(objects > 1 ? "; most by " : "; ", out);
    write_text_of(out, holder, "path");
  }
  for (size_t i = 0; i < json_array_size(names); i++) {
    fputs(i ? ", " : "; also ", out);
    write_printable(out, json_string_value(json_array_get(names, i)));
  }
  putc('\n', out);
}

void who_write_holders(FILE *out, const json_t *answer) {
  const json_t *holders = json_object_get(answer, "holders");
  size_t count = json_array_size(holders);
  write_summary(out, answer);
  if (count)
    fprintf(out, "%12s %12s %12s %9s  held by\n", "pinned", "alone", "used", "objects");
  for (size_t i = 0; i < count; i++) {
    const json_t *holder = json_array_get(holders, i);
    write_size_of(out, holder, "bytes_pinned", 12);
    write_size_of(out, holder, "bytes_alone", 13);
    write_size_of(out, holder, "bytes_used", 13);
    fprintf(out, " %9lld  ", number_of(holder, "num_objects"));
    write_text_of(out, holder, "name");
    fprintf(out, "\n%50s", "");
    write_content(out, holder);
  }
  long long more = number_of(answer, "num_holders") - (long long)count;
  if (more > 0)
    fprintf(out, "%lld more hold less, or are beyond the limit\n", more);
}
