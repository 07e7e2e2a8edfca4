/* The options: one table (options.def), read once from the environment and never changed afterwards. Texts
 * are copied, since a program that sets its title writes it over its arguments and its environment. The shim
 * and the command line use this. It uses no malloc, no stdio and no locale. */
#ifndef ARROWPOOL_OPTIONS_OPTIONS_H
#define ARROWPOOL_OPTIONS_OPTIONS_H

#include "arrowpool.h"
#include "memory/slots.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_PREFIX "ARROW_POOL"

/* What the default means, in the one sentence with which README and the commands begin. */
#define OPTIONS_POOL_SENTENCE(new_line)                                                                      \
  "Preloaded alone, arrowpool counts Arrow's buffers and leaves them to the program's own "                  \
  "allocator" new_line "(ARROW_POOL=system); ARROW_POOL=jemalloc serves them from its private jemalloc, "    \
  "and `arrowpool run`" new_line "chooses that."

enum {
#define OPTION(id, suffix, kind, values, preset, help) OPTION_##id,
#include "options/options.def"
#undef OPTION
  OPTION_COUNT
};

/* A choice is a value of the enum that it is about, whose values have the order of its words: DEBUG an
 * arrowpool_debug, THP a slots_thp; and these. */
enum { OPTIONS_POOL_JEMALLOC, OPTIONS_POOL_SYSTEM };
enum { OPTIONS_FORMAT_TEXT, OPTIONS_FORMAT_JSON, OPTIONS_FORMAT_JSONL, OPTIONS_FORMAT_PROMETHEUS };
enum { OPTIONS_LOG_QUIET, OPTIONS_LOG_WARN, OPTIONS_LOG_INFO };
enum { OPTIONS_HOOK_LIBC = 1 << 0, OPTIONS_HOOK_ARROW_MI = 1 << 1, OPTIONS_HOOK_ARROW_VTABLE = 1 << 2 };
/* PROFILE_FRAMES: bits as PROFILE_WITH_... (profile/profile.h). */

#define OPTIONS_TEXT_BYTES 4096 /* of a value, with its NUL: PATH_MAX, what the kernel takes as a path */

typedef enum options_kind {
  OPTIONS_CHOICE,      /* number: a value of its enum */
  OPTIONS_LIST,        /* number: a bit for each word */
  OPTIONS_DESTINATION, /* text: path or "stderr"; NULL: off */
  OPTIONS_DIRECTORY,   /* text; NULL: off */
  OPTIONS_NAME,        /* text, shorter than JOB_NAME_BYTES, on one line */
  OPTIONS_LIBRARIES,   /* text: names (library_names.h) */
  OPTIONS_DURATION,    /* number: milliseconds */
  OPTIONS_DECAY,       /* number: milliseconds, or SLOTS_NEVER */
  OPTIONS_SIGNAL,      /* number: of the signal */
  OPTIONS_SIZE,        /* number: bytes; negative: percent */
  OPTIONS_BYTES,       /* number: bytes */
  OPTIONS_FLAG         /* number: 0 or 1 */
} options_kind;

typedef struct options_row {
  const char *variable;
  options_kind kind;
  const char *values, *preset; /* as in options.def */
  const char *help;
} options_row;

extern const options_row options_table[OPTION_COUNT];

typedef struct options_value {
  int64_t number;
  const char *text; /* as given: what options_parse was given, or a copy by options_read */
  bool given;       /* false: the default */
} options_value;

/* It must not be copied: values point into it. */
typedef struct options {
  options_value values[OPTION_COUNT];
  char texts[OPTION_COUNT][OPTIONS_TEXT_BYTES]; /* of those that were given */
} options;

/* Returns whether a value is longer than any of ours can be: such a value is refused. */
bool options_too_long(const char *text);

/* Parses one value. Returns false, with `out` untouched, if it is none of the option's values. */
bool options_parse(const options_row *row, const char *text, options_value *out);

/* The first looks a variable up in the environment and returns NULL for what is not set; the second is told
 * of mistakes, in pieces of one line. Both get the context that the function was given. */
typedef const char *(*options_lookup)(void *context, const char *variable);
typedef void (*options_complain)(void *context, const char *const pieces[], size_t count);

/* Fills `out` from the environment; it complains about what is wrong and uses the default there. */
void options_read(options *out, options_lookup lookup, options_complain complain, void *context);

/* Moves `*environment` behind the next variable in it that looks like ours and is not; its name, as far as
 * there is room, goes into `name`, and into `meant` the known one that it misses by a letter or by what is
 * between words; NULL: there is none. Returns false if there are no more, as in an environment that is NULL.
 */
#define OPTIONS_NAME_BYTES 64
bool options_next_unknown(char *const **environment, char name[OPTIONS_NAME_BYTES], const char **meant);

/* Returns why a value is refused that others would take, as the beginning of a sentence that goes on with
 * what to choose ("m is ...; "); "" where there is no more to say. */
const char *options_reason(const options_row *row, const char *text);

/* Returns what a LIMIT comes to (bytes), and writes where that is from: "ARROW_POOL_LIMIT=70% of the cgroup's
 * 400.0 MiB". It reads files for a percentage. */
#define OPTIONS_SOURCE_BYTES 112
int64_t options_limit(const options_value *limit, char source[OPTIONS_SOURCE_BYTES]);

/* Writes the option's name as functions have it ("stats_format"): its variable's without the prefix, in small
 * letters; that of the first, whose variable is the prefix, is "pool". */
void options_keyword(const options_row *row, char name[OPTIONS_NAME_BYTES]);

/* Writes the option's values in words ("jemalloc or system") into `out`, at least 128 bytes. */
void options_describe_values(const options_row *row, char *out);

#endif
