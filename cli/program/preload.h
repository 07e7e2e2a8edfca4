/* The shim's file, and LD_PRELOAD, which carries it into a program. */
#ifndef ARROWPOOL_CLI_PROGRAM_PRELOAD_H
#define ARROWPOOL_CLI_PROGRAM_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

#define PRELOAD_SHIM "libarrowpool_preload.so"

/* Where the shim is: beside this program in the build folder, or where it was installed. Into `out`,
 * PATH_MAX; false: nowhere. */
bool preload_find_shim(char *out);

/* Whether a path is that of a shim, by its name. */
bool preload_is_shim(const char *path);

/* The next entry of an LD_PRELOAD list, which spaces and colons separate; into `out`, PATH_MAX. `*at` moves
 * on behind it. False: there is none. */
bool preload_next(const char **at, char *out);

#endif
