/* The loader's list of libraries, /etc/ld.so.cache, in the format of glibc 2.2 and newer. */
#ifndef ARROWPOOL_CLI_PROGRAM_LIBRARY_CACHE_H
#define ARROWPOOL_CLI_PROGRAM_LIBRARY_CACHE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct library_cache {
  char *bytes; /* a NUL behind the last one */
  size_t size, start;
} library_cache;

/* Read the file; one that cannot be read has no libraries. */
void library_cache_load(const char *path, library_cache *c);

/* Where the library of that name lies, into `out` (PATH_MAX); false: it is not in the list. */
bool library_cache_find(const library_cache *c, const char *name, char *out);

void library_cache_free(library_cache *c);

#endif
