/* Parses values, and reads the options from the environment. The parsers are by hand because libc's depend on
 * the locale and may allocate. */
#include "options/options.h"

#include "base/pieces.h"
#include "base/process_file.h"
#include "options/library_names.h"
#include "options/sizes.h"

#include <signal.h>
#include <string.h>

const options_row options_table[OPTION_COUNT] = {
#define OPTION(id, suffix, kind, values, preset, help)                                                       \
  {OPTIONS_PREFIX suffix, OPTIONS_##kind, values, preset, help},
#include "options/options.def"
#undef OPTION
};

/* ---- values ---- */

/* Returns the index of the word `text` of `length` bytes in a list separated by commas; -1 if it is not in
 * it. */
static int find_word(const char *list, const char *text, size_t length) {
  for (int index = 0;; index++) {
    size_t word = strcspn(list, ",");
    if (word == length && strncmp(list, text, length) == 0)
      return index;
    if (!list[word])
      return -1;
    list += word + 1;
  }
}

static bool parse_choice(const char *values, const char *text, int64_t *out) {
  *out = find_word(values, text, strlen(text));
  return *out >= 0;
}

static bool parse_list(const char *values, const char *text, int64_t *out) {
  *out = 0;
  bool all = strcmp(text, "all") == 0;
  for (const char *word = all ? values : text;; word++) {
    size_t length = strcspn(word, ",");
    int index = find_word(values, word, length);
    if (index < 0)
      return false;
    *out |= INT64_C(1) << index;
    word += length;
    if (!*word)
      return true;
  }
}

/* A number is digits and a unit after them, which gives its factor. */
typedef struct unit {
  const char *name;
  int64_t factor;
} unit;

static bool parse_number(const unit *units, const char *text, int64_t *out) {
  int64_t number = 0;
  if (*text < '0' || *text > '9')
    return false;
  for (; *text >= '0' && *text <= '9'; text++)
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *text - '0', &number))
      return false;
  for (; units->name; units++)
    if (strcmp(text, units->name) == 0)
      return !__builtin_mul_overflow(number, units->factor, out);
  return false;
}

static bool parse_duration(const char *text, int64_t *out) {
  static const unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
  if (strcmp(text, "0") == 0) {
    *out = 0;
    return true;
  }
  return parse_number(units, text, out);
}

static bool parse_decay(const char *text, int64_t *out) {
  if (strcmp(text, "never") == 0) {
    *out = SLOTS_NEVER;
    return true;
  }
  return parse_duration(text, out);
}

static bool parse_size(const char *text, int64_t *out) {
  static const unit percent[] = {{"%", 1}, {NULL, 0}};
  int64_t number;
  if (!parse_number(percent, text, &number))
    return sizes_parse(text, out);
  *out = -number;
  return number >= 1 && number <= 100;
}

/* Those that a handler can be set for, as sigabbrev_np names them, which glibc has from 2.32 on. */
static const struct {
  const char *name;
  int number;
} signals[] = {
#define X(name) {#name, SIG##name},
    X(HUP) X(INT) X(QUIT) X(ILL) X(TRAP) X(ABRT) X(BUS) X(FPE) X(USR1) X(SEGV) X(USR2) X(PIPE) X(ALRM) X(TERM)
        X(STKFLT) X(CHLD) X(CONT) X(TSTP) X(TTIN) X(TTOU) X(URG) X(XCPU) X(XFSZ) X(VTALRM) X(PROF) X(WINCH)
            X(POLL) X(PWR) X(SYS)
#undef X
};

static bool parse_signal(const char *text, int64_t *out) {
  if (strncmp(text, "SIG", 3) == 0)
    text += 3;
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    if (strcmp(signals[i].name, text) == 0) {
      *out = signals[i].number;
      return true;
    }
  return false;
}

/* Returns whether the text has only placeholders that we know; others would be a surprise in a file name. */
static bool is_destination(const char *text) {
  for (; *text; text++)
    if (*text == '%' && (!*++text || !strchr("phet%", *text)))
      return false;
  return true;
}

/* Returns whether the text is one line, as long as a name may be. */
static bool is_name(const char *text) {
  size_t length = 0;
  while (length < JOB_NAME_BYTES && (unsigned char)text[length] >= ' ' && text[length] != 0x7f)
    length++;
  return length < JOB_NAME_BYTES && !text[length];
}

bool options_too_long(const char *text) { return strnlen(text, OPTIONS_TEXT_BYTES) == OPTIONS_TEXT_BYTES; }

bool options_parse(const options_row *row, const char *text, options_value *out) {
  options_value value = {.text = text};
  if (!*text || options_too_long(text))
    return false;
  bool valid = true;
  switch (row->kind) {
  case OPTIONS_CHOICE:
    valid = parse_choice(row->values, text, &value.number);
    break;
  case OPTIONS_LIST:
    valid = parse_list(row->values, text, &value.number);
    break;
  case OPTIONS_FLAG:
    valid = parse_choice("0,1", text, &value.number);
    break;
  case OPTIONS_DURATION:
    valid = parse_duration(text, &value.number);
    break;
  case OPTIONS_DECAY:
    valid = parse_decay(text, &value.number);
    break;
  case OPTIONS_SIZE:
    valid = parse_size(text, &value.number);
    break;
  case OPTIONS_BYTES:
    valid = parse_size(text, &value.number) && value.number > 0;
    break;
  case OPTIONS_SIGNAL:
    valid = parse_signal(text, &value.number);
    break;
  case OPTIONS_DESTINATION:
    valid = is_destination(text);
    break;
  case OPTIONS_NAME:
    valid = is_name(text);
    break;
  case OPTIONS_LIBRARIES:
    valid = library_names_are_good(text);
    break;
  case OPTIONS_DIRECTORY:
    break;
  }
  if ((row->kind == OPTIONS_DESTINATION || row->kind == OPTIONS_DIRECTORY) && strcmp(text, "off") == 0)
    value.text = NULL;
  if (valid)
    *out = value;
  return valid;
}

const char *options_reason(const options_row *row, const char *text) {
  return row->kind == OPTIONS_SIZE || row->kind == OPTIONS_BYTES ? sizes_reason(text)
         : row->kind == OPTIONS_LIBRARIES                        ? library_names_reason(text)
                                                                 : "";
}

void options_keyword(const options_row *row, char name[OPTIONS_NAME_BYTES]) {
  const char *from = row->variable + sizeof OPTIONS_PREFIX - 1;
  for (from = *from ? from + 1 : "POOL"; *from; from++)
    *name++ = (char)(*from >= 'A' && *from <= 'Z' ? *from - 'A' + 'a' : *from);
  *name = 0;
}

/* Appends the text, cut off at the end of the 128 bytes. */
static void options_append(char *out, const char *text, size_t length) {
  size_t used = strlen(out), room = 127 - used;
  length = length < room ? length : room;
  memcpy(out + used, text, length);
  out[used + length] = 0;
}

void options_describe_values(const options_row *row, char *out) {
  *out = 0;
  if (row->kind == OPTIONS_LIST)
    options_append(out, "all, ", 5);
  if (row->kind != OPTIONS_CHOICE && row->kind != OPTIONS_LIST) {
    options_append(out, row->values, strlen(row->values));
    return;
  }
  for (const char *word = row->values; *word;) {
    size_t length = strcspn(word, ",");
    options_append(out, word, length);
    word += length;
    if (*word) {
      bool last = !strchr(++word, ',');
      options_append(out, last ? " or " : ", ", last ? 4 : 2);
    }
  }
}

/* ---- the environment ---- */

static void read_one(options *out, int id, options_lookup lookup, options_complain complain, void *context) {
  const options_row *row = &options_table[id];
  options_value *value = &out->values[id];
  const char *text = lookup(context, row->variable);
  memset(value, 0, sizeof *value);
  if (row->preset)
    options_parse(row, row->preset, value);
  if (!text || !*text) /* a variable set to nothing counts as not set */
    return;
  const char *instead = row->preset ? row->preset : "none";
  if (options_too_long(text)) {
    complain(context, PIECES(row->variable, ": longer than a path may be; using ", instead));
    return;
  }
  if (options_parse(row, strcpy(out->texts[id], text), value)) {
    value->given = true;
    return;
  }
  char choices[128];
  options_describe_values(row, choices);
  complain(context, PIECES(row->variable, "=", text, ": ", options_reason(row, text), "choose ", choices,
                           "; using ", instead));
}

void options_read(options *out, options_lookup lookup, options_complain complain, void *context) {
  read_one(out, OPTION_LOG, lookup, complain, context); /* the first decides what is said about the others */
  for (int id = 0; id < OPTION_COUNT; id++)
    if (id != OPTION_LOG)
      read_one(out, id, lookup, complain, context);
}
