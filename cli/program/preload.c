/* Finds the shim's file, and takes LD_PRELOAD apart. */
#include "cli/program/preload.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Finds a file beside this program in the build folder, in that folder, or where it was installed. */
static bool find_beside(const char *folder, const char *file, char *out) {
  char directory[PATH_MAX], candidate[2 * PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
  if (length > 0) {
    directory[length] = 0;
    *strrchr(directory, '/') = 0;
    const char *const places[] = {folder, ARROWPOOL_LIBDIR_FROM_BIN};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      snprintf(candidate, sizeof candidate, "%s/%s/%s", directory, places[i], file);
      if (realpath(candidate, out))
        return true;
    }
  }
  snprintf(candidate, sizeof candidate, "%s/%s", ARROWPOOL_LIBDIR, file);
  return realpath(candidate, out) != NULL;
}

bool preload_find_shim(char *out) { return find_beside("../shim", PRELOAD_SHIM, out); }

bool preload_find_library(char *out) { return find_beside("../lib", PRELOAD_LIBRARY, out); }

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
