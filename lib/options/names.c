/* Finds names in an environment that look like ours and are not (options.h). It reads the environment only,
 * and looks closer at few names: it runs at the start of every process. */
#include "options/options.h"

#include <string.h>

/* Returns the name of a variable that is known: one of the table, then the Python package's own; NULL at the
 * end. */
static const char *known_name(int index) {
  return index < OPTION_COUNT    ? options_table[index].variable
         : index == OPTION_COUNT ? OPTIONS_PREFIX "_HOLDERS"
                                 : NULL;
}

static size_t count_same(const char *name, const char *known, size_t length) {
  size_t same = 0;
  while (same < length && name[same] == known[same])
    same++;
  return same;
}

/* Returns whether one letter that is too much, missing, another or in the next one's place makes the name
 * that one. */
static bool is_an_edit_away(const char *name, size_t length, const char *known) {
  size_t size = strlen(known), same = count_same(name, known, length);
  name += same;
  known += same;
  length -= same;
  size -= same;
  if (length == size + 1)
    return strncmp(name + 1, known, size) == 0;
  if (length + 1 == size)
    return strncmp(name, known + 1, length) == 0;
  if (length != size || !size)
    return false;
  bool swapped = size >= 2 && name[0] == known[1] && name[1] == known[0];
  return count_same(name + 1, known + 1, length - 1) == length - 1 ||
         (swapped && strncmp(name + 2, known + 2, length - 2) == 0);
}

/* Returns whether the name is that one but for case, and for what is between words. */
static bool is_spelled_alike(const char *name, size_t length, const char *known) {
  for (const char *end = name + length;; name++, known++) {
    while (name < end && (*name == '_' || *name == '-' || *name == '.'))
      name++;
    known += *known == '_';
    char letter = name == end ? 0 : (char)(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
    if (letter != *known || !letter)
      return letter == *known;
  }
}

/* Returns how a name is meant: NULL, as another's; itself, as a known one; else the known one that it misses.
 * Other programs' names are as good as ours: only what nobody else can mean is taken for a mistake. */
static const char *meant_by(const char *name, size_t length) {
  const char *meant = NULL;
  if ((*name != 'A' && *name != 'a') || length < sizeof OPTIONS_PREFIX - 3 || length >= OPTIONS_NAME_BYTES)
    return NULL;
  for (int i = 0; known_name(i); i++) {
    if (strncmp(name, known_name(i), length) == 0 && !known_name(i)[length])
      return name;
    if (is_spelled_alike(name, length, known_name(i)) ||
        (!meant && is_an_edit_away(name, length, known_name(i))))
      meant = known_name(i);
  }
  return meant;
}

bool options_next_unknown(char *const **environment, char name[OPTIONS_NAME_BYTES], const char **meant) {
  while (*environment && **environment) {
    const char *variable = *(*environment)++;
    size_t length = strcspn(variable, "=");
    *meant = meant_by(variable, length);
    if (*meant == variable || (!*meant && strncmp(variable, OPTIONS_PREFIX "_", sizeof OPTIONS_PREFIX) != 0))
      continue;
    length = length < OPTIONS_NAME_BYTES - 1 ? length : OPTIONS_NAME_BYTES - 1;
    memcpy(name, variable, length);
    name[length] = 0;
    return true;
  }
  return false;
}
