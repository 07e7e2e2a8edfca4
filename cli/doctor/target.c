/* Reads and makes environments of what the doctor looks at. */
#include "cli/doctor/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_of(char *const *list) {
  size_t count = 0;
  while (list && list[count])
    count++;
  return count;
}

/* Returns the place of the variable, or of the end. */
static char **find_place(char **environment, const char *setting) {
  size_t length = strcspn(setting, "=") + 1;
  char **at = environment;
  while (*at && strncmp(*at, setting, length) != 0)
    at++;
  return at;
}

char **target_make_environment(char *const environment[], char *const settings[]) {
  size_t count = count_of(environment);
  char **made = calloc(count + count_of(settings) + 1, sizeof *made);
  if (!made)
    return NULL;
  for (size_t i = 0; i < count; i++)
    made[i] = environment[i];
  for (; *settings; settings++)
    *find_place(made, *settings) = *settings;
  return made;
}

const char *target_variable(const target *t, const char *name) {
  size_t length = strlen(name);
  for (char **at = t->environment; at && *at; at++)
    if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
      return *at + length + 1;
  return NULL;
}
