/* See live_files.h. */
#include "live_files.h"

#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool live_files_is_pid(const char *text) { return *text && strspn(text, "0123456789") == strlen(text); }

static const char *directory_of_process(const char *pid, char *out, size_t size) {
  static const char variable[] = OPTIONS_PREFIX "_LIVE=";
  char path[64], *line = NULL;
  size_t room = 0;
  const char *found = NULL;
  snprintf(path, sizeof path, "/proc/%s/environ", pid);
  FILE *environment = fopen(path, "re");
  while (environment && !found && getdelim(&line, &room, 0, environment) > 0)
    if (strncmp(line, variable, sizeof variable - 1) == 0 && line[sizeof variable - 1]) {
      snprintf(out, size, "%s", line + sizeof variable - 1);
      found = out;
    }
  free(line);
  if (environment)
    fclose(environment);
  return found;
}

const char *live_files_directory(const char *pid, char *out, size_t size) {
  const char *directory = getenv(OPTIONS_PREFIX "_LIVE");
  if (directory && *directory)
    return directory;
  return pid ? directory_of_process(pid, out, size) : NULL;
}
