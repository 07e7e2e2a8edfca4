/* The libraries that the loader would bring in with a program: DT_NEEDED, and theirs, as far as they can be
 * found without running anything. What the program loads later, by dlopen, is not among them. */
#ifndef ARROWPOOL_CLI_PROGRAM_LIBRARIES_H
#define ARROWPOOL_CLI_PROGRAM_LIBRARIES_H

#include "cli/program/elf_file.h"

typedef struct library {
  char name[256];      /* as it is asked for */
  char path[PATH_MAX]; /* empty: not found */
} library;

typedef struct libraries {
  library *all; /* breadth first, as the loader has them */
  size_t count;
} libraries;

/* `path`: of the file; `search`: LD_LIBRARY_PATH, or NULL. Whatever comes out holds memory. */
void libraries_find(const elf_file *f, const char *path, const char *search, libraries *out);
void libraries_free(libraries *l);

/* The first whose name begins so, or NULL. */
const library *libraries_named(const libraries *l, const char *prefix);

#endif
