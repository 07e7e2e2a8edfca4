/* Finds the shim's file, and takes LD_PRELOAD apart. */
#include "cli/program/preload.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool preload_find_shim(char *out) {
  static const char *const places[] = {"../shim/" PRELOAD_SHIM, ARROWPOOL_LIBDIR_FROM_BIN "/" PRELOAD_SHIM};
  char directory[PATH_MAX], candidate[PATH_MAX + 64];
  ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
  if (length > 0) {
    directory[length] = 0;
    *strrchr(directory, '/') = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      snprintf(candidate, sizeof candidate, "%s/%s", directory, places[i]);
      if (realpath(candidate, out))
        return true;
    }
  }
  return realpath(ARROWPOOL_LIBDIR "/" PRELOAD_SHIM, out) != NULL;
}

bool preload_is_shim(const char *path) {
  return strncmp(basename(path), PRELOAD_SHIM, sizeof PRELOAD_SHIM - 1) == 0;
}

bool preload_next(const char **at, char *out) {
  const char *entry = *at + strspn(*at, ": ");
  size_t length = strcspn(entry, ": ");
  *at = entry + length;
  snprintf(out, PATH_MAX, "%.*s", (int)length, entry);
  return length > 0;
}
