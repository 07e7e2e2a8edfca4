/* Keeps the doctor's findings, and prints them as text or JSON. */
#include "cli/doctor/findings.h"

#include "base/writer.h"
#include "cli/base/memory.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {[FINDING_OK] = "ok",
                                          [FINDING_NOTE] = "note",
                                          [FINDING_WARNING] = "warning",
                                          [FINDING_PROBLEM] = "problem"};

void findings_free(findings *f) {
  for (size_t i = 0; i < f->count; i++)
    free(f->all[i].text);
  for (size_t i = 0; i < f->ran_count; i++) {
    free(f->ran[i].command);
    free(f->ran[i].about);
  }
  free(f->all);
  free(f->ran);
  json_decref(f->libraries);
  *f = (findings){0};
}

void findings_add(findings *f, finding_level level, const char *topic, const char *advice, const char *format,
                  ...) {
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  if (vasprintf(&text, format, arguments) < 0)
    memory_lacking();
  va_end(arguments);
  writer_make_printable(text);
  f->all = memory_grow(f->all, f->count + 1, sizeof *f->all);
  f->all[f->count++] = (finding){level, topic, text, advice};
}

void findings_add_ran(findings *f, const char *command, const char *about) {
  findings_run one = {memory_copy(command), memory_copy(about)};
  writer_make_printable(one.command);
  writer_make_printable(one.about);
  f->ran = memory_grow(f->ran, f->ran_count + 1, sizeof *f->ran);
  f->ran[f->ran_count++] = one;
}

bool findings_have(const findings *f, finding_level level) {
  for (size_t i = 0; i < f->count; i++)
    if (f->all[i].level == level)
      return true;
  return false;
}

/* Prints each command once, whatever it was asked about. */
static void print_ran(const findings *f, int seconds) {
  size_t last = f->ran_count, printed = 0;
  bool *repeated = memory_zeroed(f->ran_count + 1, sizeof *repeated);
  for (size_t i = 0; i < f->ran_count; i++) {
    for (size_t k = 0; k < i; k++)
      repeated[i] |= strcmp(f->ran[k].command, f->ran[i].command) == 0;
    last = repeated[i] ? last : i;
  }
  for (size_t i = 0; i < f->ran_count; i++)
    if (!repeated[i])
      printf("%s%s", printed++ == 0 ? "note: asked " : i == last ? " and " : ", ", f->ran[i].command);
  if (printed)
    printf(", for at most %d s%s\n", seconds, printed > 1 ? " each" : "");
  free(repeated);
}

bool findings_print_text(const findings *f, int seconds) {
  for (size_t i = 0; i < f->count; i++) {
    const finding *one = &f->all[i];
    printf("%s: %s%s%s\n", level_names[one->level], one->text, one->advice ? "; " : "",
           one->advice ? one->advice : "");
  }
  print_ran(f, seconds);
  return fflush(stdout) == 0;
}

/* Returns text that may hold file names, which need not be UTF-8. */
static json_t *to_json(const char *text) {
  json_t *string = json_string(text);
  if (string)
    return string;
  char ascii[4096];
  size_t i = 0;
  for (; i < sizeof ascii - 1 && text[i]; i++)
    ascii[i] = (char)((unsigned char)text[i] < 0x80 ? text[i] : '?');
  ascii[i] = 0;
  return json_string(ascii);
}

void findings_add_library(findings *f, const findings_library *library) {
  json_t *has = json_array();
  const char *const names[] = {library->jemalloc ? "jemalloc" : NULL, library->mimalloc ? "mimalloc" : NULL,
                               library->arrow ? "arrow" : NULL};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i])
      json_array_append_new(has, json_string(names[i]));
  if (!f->libraries)
    f->libraries = json_array();
  json_array_append_new(f->libraries,
                        json_pack("{s:o, s:o, s:o, s:o, s:b, s:b}", "path", to_json(library->path), "package",
                                  to_json(library->package), "has", has, "variable",
                                  *library->variable ? json_string(library->variable) : json_null(), "served",
                                  library->served, "loaded", library->loaded));
}

bool findings_print_json(const findings *f, const char *subject) {
  json_t *list = json_array();
  for (size_t i = 0; i < f->count; i++) {
    const finding *one = &f->all[i];
    json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "level", level_names[one->level], "topic",
                                          one->topic, "text", to_json(one->text), "advice",
                                          one->advice ? json_string(one->advice) : json_null()));
  }
  json_t *ran = json_array();
  for (size_t i = 0; i < f->ran_count; i++) {
    char command[16384];
    snprintf(command, sizeof command, "%s%s%s", f->ran[i].command, *f->ran[i].about ? " " : "",
             f->ran[i].about);
    json_array_append_new(ran, to_json(command));
  }
  json_t *report =
      json_pack("{s:s, s:o, s:b, s:o, s:o, s:o}", "schema", "arrowpool-doctor/1", "subject", to_json(subject),
                "served", !findings_have(f, FINDING_PROBLEM), "findings", list, "libraries",
                f->libraries ? json_incref(f->libraries) : json_array(), "ran", ran);
  bool printed = json_dumpf(report, stdout, JSON_INDENT(2)) == 0 && fputc('\n', stdout) != EOF;
  json_decref(report);
  return fflush(stdout) == 0 && printed;
}
