/* What the doctor finds, in order, and how it is told. */
#ifndef ARROWPOOL_CLI_DOCTOR_FINDINGS_H
#define ARROWPOOL_CLI_DOCTOR_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum finding_level {
  FINDING_OK,
  FINDING_NOTE,    /* it is good to know */
  FINDING_WARNING, /* it is served, but less well, or with a risk */
  FINDING_PROBLEM, /* it is not served */
} finding_level;

typedef struct finding {
  finding_level level;
  const char *topic; /* program, preload, arrow, allocator, environment, kernel, limits, process, profile */
  char *text;
  const char *advice; /* what to do; NULL: nothing */
} finding;

/* Says what was run to find them. */
typedef struct findings_run {
  char *command; /* "/lib64/ld-linux-x86-64.so.2 --list" */
  char *about;   /* the file that it was asked about, its last word; empty: none */
} findings_run;

/* Says of a library what it brings along: allocators that are linked into it, or Arrow. The texts are copied.
 */
typedef struct findings_library {
  const char *path, *package;
  const char *variable; /* it sets the allocator; empty: there is none */
  bool jemalloc, mimalloc, arrow;
  bool served, loaded; /* if not loaded, it is installed, and may be imported */
} findings_library;

typedef struct findings {
  finding *all;
  findings_run *ran;
  struct json_t *libraries; /* an array; NULL: there are none */
  size_t count, ran_count;
} findings;

void findings_free(findings *f);

/* Adds one. `topic` and `advice` stay the caller's. Control characters in the text become '?'. */
void findings_add(findings *f, finding_level level, const char *topic, const char *advice, const char *format,
                  ...) __attribute__((format(printf, 5, 6)));

/* Notes that a program was run. */
void findings_add_ran(findings *f, const char *command, const char *about);

/* Notes one library, for the report in JSON. */
void findings_add_library(findings *f, const findings_library *library);

bool findings_have(const findings *f, finding_level level);

/* They print the findings, `level: text; advice` a line, or as one object of JSON, and return false if stdout
 * refuses. What was run is a line of its own, and says that each had at most that many seconds. */
bool findings_print_text(const findings *f, int seconds);
bool findings_print_json(const findings *f, const char *subject);

#endif
