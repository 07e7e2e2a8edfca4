/* The libraries that come in with a program or a library, as the loader itself lists them. What is loaded
 * later, by dlopen, is not among them. The loader maps the file to find that out, but runs nothing of it. */
#ifndef ARROWPOOL_CLI_PROGRAM_LIBRARIES_H
#define ARROWPOOL_CLI_PROGRAM_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct library {
  const char *name; /* as it is asked for, without a directory */
  const char *path; /* NULL: it is not found */
} library;

typedef struct libraries {
  library *all; /* they are in the loader's order */
  size_t count;
  char *text;         /* the names are parts of it */
  char asked[5000];   /* what was run, without the file that it was asked about; empty: nothing */
  char problem[4096]; /* why they are not known, as "ended with status 127"; empty: they are */
} libraries;

/* Asks `loader`, with LD_LIBRARY_PATH of that environment, about a file that it may load: an absolute path.
 * Returns false if the libraries are not known; `problem` says why. Whatever comes out holds memory. */
bool libraries_ask(const char *loader, const char *file, char *const environment[], libraries *out);

/* Reads the loader's list, the caller's, and cuts it into pieces. */
void libraries_read(char *text, libraries *out);

void libraries_free(libraries *l);

/* Returns the first whose name begins so, or NULL. */
const library *libraries_named(const libraries *l, const char *prefix);

#endif
