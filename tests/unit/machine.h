/* A folder with files of the kernel's that a test made up, as if it were the machine's root. */
#ifndef MACHINE_H
#define MACHINE_H

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char machine_root[64];

static inline void machine_put(const char *path, const char *text) {
  char full[512];
  snprintf(full, sizeof full, "%s%s", machine_root, path);
  for (char *slash = strchr(full + strlen(machine_root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(full, 0700);
    *slash = '/';
  }
  FILE *file = fopen(full, "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static inline void machine_begin(void) {
  strcpy(machine_root, "/tmp/arrowpool-machine-XXXXXX");
  assert_non_null(mkdtemp(machine_root));
}

static inline void machine_end(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", machine_root);
  assert_int_equal(system(command), 0);
}

#endif
