/* What the doctor finds out about a command from texts of others: the first byte of the input says which one,
 * the rest is its text: a script, what Python answers, or the loader's list of libraries. */
#include "fuzz.h"

#include "cli/program/libraries.h"
#include "cli/program/program.h"
#include "cli/program/python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SCRIPT, ANSWER, LIST, KINDS };

static bool is_whole(const char *text, size_t size) { return strnlen(text, size) < size; }

static void follow(const uint8_t *data, size_t size) {
  static program p; /* large */
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", fuzz_file(data, size));
  chmod(path, 0700);
  if (!program_open((char *[]){path, NULL}, &p))
    program_close(&p);
  if (!is_whole(p.path, sizeof p.path) || !is_whole(p.via, sizeof p.via))
    abort();
}

static void read_answer(char *text) {
  static python found; /* large */
  memset(&found, 0, sizeof found);
  bool answered = python_read(text, &found);
  if (answered && !*found.version)
    abort();
  if (!is_whole(found.version, sizeof found.version) || !is_whole(found.places, sizeof found.places) ||
      !is_whole(found.package, sizeof found.package) || !is_whole(found.extension, sizeof found.extension) ||
      !is_whole(found.failure, sizeof found.failure))
    abort();
}

static void read_list(char *text, size_t size) {
  libraries l = {0};
  size_t read = 0;
  libraries_read(text, &l);
  for (size_t i = 0; i < l.count; i++)
    read += strlen(l.all[i].name) + (l.all[i].path ? strlen(l.all[i].path) : 0);
  if (read > 2 * size)
    abort();
  libraries_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size)
    return 0;
  int kind = data[0] % KINDS;
  data++, size--;
  if (kind == SCRIPT) {
    follow(data, size);
    return 0;
  }
  char *text = calloc(1, size + 1);
  if (!text)
    abort();
  memcpy(text, data, size);
  if (kind == ANSWER)
    read_answer(text);
  else
    read_list(text, size);
  free(text);
  return 0;
}
