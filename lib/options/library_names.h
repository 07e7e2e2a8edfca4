/* Names of libraries, as ARROW_POOL_LIBRARIES lists them: "lance,arro3.core,*_duck*.so". A name means each
 * file that is called so but for "lib", versions and what comes after the first dot, and all of a Python
 * package's; one with `/`, `*` or `?` is a pattern of whole paths. No malloc, no locale. */
#ifndef ARROWPOOL_OPTIONS_LIBRARY_NAMES_H
#define ARROWPOOL_OPTIONS_LIBRARY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define LIBRARY_NAMES_MOST 16 /* of a list */

/* It is a part of a list or of a path, which must live on. */
typedef struct library_name {
  const char *text;
  size_t length; /* bytes; there is no NUL behind it */
} library_name;

/* Moves `*list` behind its next name. Returns false if there is none. */
bool library_names_next(const char **list, library_name *out);

/* Returns whether all names of the list can be used. */
bool library_names_are_good(const char *list);

/* Returns why not, with "; " behind it; "" if nothing is to be said. */
const char *library_names_reason(const char *list);

/* Returns what the library at the path is called: "lance" is /x/lance.abi3.so and /y/liblance-2.so.1. */
library_name library_names_of(const char *path);

bool library_names_is_pattern(library_name name);
bool library_names_match(library_name name, const char *path);

/* Returns whether the library at the path can have no pool of its own. */
bool library_names_is_refused(const char *path);

/* Returns whether whoever wrote the name may have meant the library at the path, which it does not match. */
bool library_names_is_near(library_name name, const char *path);

#endif
