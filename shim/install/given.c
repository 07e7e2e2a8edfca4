/* Finds each name in the option table and has its value parsed (given.h). A name is that of the variable
 * without its prefix, in small letters: "stats_format", or as the command's option, "stats-format". */
#include "shim/install/given.h"

#include "base/pieces.h"
#include "base/writer.h"
#include "shim/configure.h"
#include "shim/router.h"

#include <string.h>

static bool is_called(const options_row *row, const char *name, size_t length) {
  char keyword[OPTIONS_NAME_BYTES];
  options_keyword(row, keyword);
  if (strlen(keyword) != length)
    return false;
  for (size_t i = 0; i < length; i++)
    if (keyword[i] != (name[i] == '-' ? '_' : name[i]))
      return false;
  return true;
}

static const options_row *row_of(const char *name, size_t length) {
  for (int id = 0; id < OPTION_COUNT; id++)
    if (is_called(&options_table[id], name, length))
      return &options_table[id];
  return NULL;
}

/* ---- what is wrong ---- */

static void start_message(writer *w, writer_kept *kept, char message[GIVEN_MESSAGE_BYTES]) {
  *kept = (writer_kept){message, GIVEN_MESSAGE_BYTES, 0};
  writer_init(w, writer_keep, kept);
}

static bool refuse_name(const char *name, size_t length, char message[GIVEN_MESSAGE_BYTES]) {
  char keyword[OPTIONS_NAME_BYTES];
  writer w;
  writer_kept kept;
  start_message(&w, &kept, message);
  writer_bytes(&w, name, length < OPTIONS_NAME_BYTES ? length : OPTIONS_NAME_BYTES);
  writer_text(&w, ": unknown option; choose ");
  for (int id = 0; id < OPTION_COUNT; id++) {
    options_keyword(&options_table[id], keyword);
    writer_print(&w, "%s%s", id == 0 ? "" : id == OPTION_COUNT - 1 ? " or " : ", ", keyword);
  }
  writer_finish(&w);
  return false;
}

static bool refuse_value(const options_row *row, const char *value, char message[GIVEN_MESSAGE_BYTES]) {
  char keyword[OPTIONS_NAME_BYTES], choices[128];
  writer w;
  writer_kept kept;
  options_keyword(row, keyword);
  options_describe_values(row, choices);
  start_message(&w, &kept, message);
  writer_print(&w, "%s: '", keyword);
  writer_bytes(&w, value, strnlen(value, 128));
  writer_print(&w, "': %schoose %s", options_reason(row, value), choices);
  writer_finish(&w);
  return false;
}

/* ---- reading ---- */

/* Returns the value that was given last to the variable; NULL: none was. */
static const char *look_up_given(void *context, const char *variable) {
  const char *found = NULL;
  for (const char *entry = context; *entry; entry += strlen(entry) + 1) {
    const options_row *row = row_of(entry, strcspn(entry, "="));
    if (row && strcmp(row->variable, variable) == 0)
      found = strchr(entry, '=') + 1;
  }
  bool is_pool = strcmp(variable, options_table[OPTION_POOL].variable) == 0;
  return found || !is_pool ? found : "jemalloc";
}

/* Each was checked. */
static void keep_quiet(void *context, const char *const pieces[], size_t count) {
  (void)context, (void)pieces, (void)count;
}

/* libc's functions, to which a library's malloc would go back, stay the program's own. */
#define LIBRARIES_REFUSED "they have pools of their own only where arrowpool is preloaded"

static bool check_entry(const char *entry, char message[GIVEN_MESSAGE_BYTES]) {
  size_t length = strcspn(entry, "=");
  const options_row *row = row_of(entry, length);
  options_value value;
  if (!row)
    return refuse_name(entry, length, message);
  const char *text = entry[length] ? entry + length + 1 : "";
  if (!options_parse(row, text, &value))
    return refuse_value(row, text, message);
  if (row == &options_table[OPTION_LIBRARIES]) {
    strcpy(message, "libraries: " LIBRARIES_REFUSED);
    return false;
  }
  if (row == &options_table[OPTION_HOOKS] && !(value.number & OPTIONS_HOOK_ARROW_VTABLE)) {
    strcpy(message, "hooks: only arrow_vtable can be installed: choose all, or a list that has it");
    return false;
  }
  return true;
}

bool given_read(const char *given, options *out, char message[GIVEN_MESSAGE_BYTES]) {
  if (!given) {
    configure_read_environment(out);
    if (out->values[OPTION_LIBRARIES].given)
      router_warn(PIECES("ARROW_POOL_LIBRARIES: " LIBRARIES_REFUSED));
    return true;
  }
  for (const char *entry = given; *entry; entry += strlen(entry) + 1)
    if (!check_entry(entry, message))
      return false;
  options_read(out, look_up_given, keep_quiet, (void *)(uintptr_t)given);
  return true;
}
