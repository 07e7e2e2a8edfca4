/* The shim's file, LD_PRELOAD, which carries it into a program, and the library for programs that run. */
#ifndef ARROWPOOL_CLI_PROGRAM_PRELOAD_H
#define ARROWPOOL_CLI_PROGRAM_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

#define PRELOAD_SHIM    "libarrowpool_preload.so"
#define PRELOAD_LIBRARY "libarrowpool.so.0"

/* Finds where the shim is: beside this program in the build folder, or where it was installed. The path goes
 * into `out`, PATH_MAX. Returns false if it is nowhere. */
bool preload_find_shim(char *out);

/* Finds likewise the library, which can be loaded later. */
bool preload_find_library(char *out);

/* Returns whether a path is that of a shim, by its name. */
bool preload_is_shim(const char *path);

/* Copies the next entry of an LD_PRELOAD list, which spaces and colons separate, into `out`, PATH_MAX. `*at`
 * moves on behind it. Returns false if there is none. */
bool preload_next(const char **at, char *out);

#endif
