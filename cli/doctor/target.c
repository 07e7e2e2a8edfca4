/* See target.h. */
#include "cli/doctor/target.h"

#include <stdio.h>
#include <string.h>

const char *target_variable(const target *t, const char *name) {
  size_t length = strlen(name);
  for (char **at = t->environment; at && *at; at++)
    if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
      return *at + length + 1;
  return NULL;
}

bool target_read_text(const char *path, char *out, size_t size) {
  FILE *file = fopen(path, "re");
  size_t length = file ? fread(out, 1, size - 1, file) : 0;
  out[length] = 0;
  if (file)
    fclose(file);
  return length > 0;
}
