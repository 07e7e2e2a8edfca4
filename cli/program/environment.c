/* Looks variables up, and makes environments of others (environment.h). */
#include "cli/program/environment.h"

#include "cli/base/memory.h"

#include <stdbool.h>
#include <string.h>

/* The NULL is counted too. */
static size_t count_of(char *const *list) {
  size_t count = 1;
  while (list && list[count - 1])
    count++;
  return count;
}

const char *environment_get(char *const environment[], const char *name) {
  size_t length = strlen(name);
  for (char *const *at = environment; at && *at; at++)
    if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
      return *at + length + 1;
  return NULL;
}

static bool is_set(char *const settings[], const char *variable) {
  size_t length = strcspn(variable, "=") + 1;
  for (char *const *at = settings; *at; at++)
    if (strncmp(*at, variable, length) == 0)
      return true;
  return false;
}

char **environment_with(char *const environment[], char *const settings[]) {
  char **made = memory_zeroed(count_of(environment) + count_of(settings), sizeof *made), **end = made;
  for (char *const *at = environment; at && *at; at++)
    if (!is_set(settings, *at))
      *end++ = *at;
  for (char *const *at = settings; *at; at++)
    if (!is_set(at + 1, *at))
      *end++ = *at;
  return made;
}
