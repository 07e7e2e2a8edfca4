/* See findings.h. */
#include "cli/doctor/findings.h"

#include "base/writer.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const level_names[] = {[FINDING_OK] = "ok",
                                          [FINDING_NOTE] = "note",
                                          [FINDING_WARNING] = "warning",
                                          [FINDING_PROBLEM] = "problem"};

void findings_free(findings *f) {
  for (size_t i = 0; i < f->count; i++)
    free(f->all[i].text);
  free(f->all);
  *f = (findings){0};
}

void findings_add(findings *f, finding_level level, const char *topic, const char *advice, const char *format,
                  ...) {
  finding *grown = reallocarray(f->all, f->count + 1, sizeof *f->all);
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  if (!grown || vasprintf(&text, format, arguments) < 0) {
    perror("arrowpool: doctor");
    exit(1);
  }
  va_end(arguments);
  writer_make_printable(text);
  f->all = grown;
  f->all[f->count++] = (finding){level, topic, text, advice};
}

bool findings_have(const findings *f, finding_level level) {
  for (size_t i = 0; i < f->count; i++)
    if (f->all[i].level == level)
      return true;
  return false;
}

bool findings_print_text(const findings *f) {
  for (size_t i = 0; i < f->count; i++) {
    const finding *one = &f->all[i];
    printf("%s: %s%s%s\n", level_names[one->level], one->text, one->advice ? "; " : "",
           one->advice ? one->advice : "");
  }
  return fflush(stdout) == 0;
}

/* Text that may hold file names, which need not be UTF-8. */
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

bool findings_print_json(const findings *f, const char *subject) {
  json_t *list = json_array();
  for (size_t i = 0; i < f->count; i++) {
    const finding *one = &f->all[i];
    json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "level", level_names[one->level], "topic",
                                          one->topic, "text", to_json(one->text), "advice",
                                          one->advice ? json_string(one->advice) : json_null()));
  }
  json_t *report =
      json_pack("{s:s, s:o, s:b, s:o}", "schema", "arrowpool-doctor/1", "subject", to_json(subject), "served",
                !findings_have(f, FINDING_PROBLEM), "findings", list);
  bool printed = json_dumpf(report, stdout, JSON_INDENT(2)) == 0 && fputc('\n', stdout) != EOF;
  json_decref(report);
  return fflush(stdout) == 0 && printed;
}
