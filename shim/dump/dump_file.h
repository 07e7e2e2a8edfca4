/* Writes the file of a dump, in a directory to which others may write as well: whatever they put under the
 * name, or change while we write, no file of anybody's is written to but the dump, and nothing waits for
 * ever. It is async-signal-safe.
 *
 * A regular file is replaced as a whole, or a line is appended to it. Pipes and character devices are written
 * to as they are, and so are the program's stdout and stderr where a link such as /dev/stderr leads there. */
#ifndef ARROWPOOL_SHIM_DUMP_DUMP_FILE_H
#define ARROWPOOL_SHIM_DUMP_DUMP_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* Writes the contents; returns false, with errno, if that failed. */
typedef bool (*dump_file_fill)(void *context, int fd);

/* Writes to `path`; `scratch` is room that the stack may not have; `append` adds a line to what is there.
 * `number`, of the process, is part of the temporary name. Returns false, with errno, if the dump was not
 * written; a file that was to be replaced is as it was then. */
bool dump_file_write(const char *path, char scratch[PATH_MAX], bool append, int64_t number,
                     dump_file_fill fill, void *context);

#endif
