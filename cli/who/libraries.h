/* Knows which frames say nothing of who holds memory: those of libraries through which everybody goes. */
#ifndef ARROWPOOL_CLI_WHO_LIBRARIES_H
#define ARROWPOOL_CLI_WHO_LIBRARIES_H

#include <stdbool.h>

/* Returns whether a file of Python's is one of pyarrow, pandas or their like, or of Python's own library. */
bool who_is_library(const char *file);

/* Returns whether a native function is how Arrow, or a pool, allocates: its name as who_native has it, and
 * the path of its module. */
bool who_is_allocation(const char *name, const char *module);

#endif
