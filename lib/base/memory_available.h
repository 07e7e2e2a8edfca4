/* How much memory the process may use: the least limit of its control groups and of those above them
 * (versions 1 and 2, and both at once), else what the machine has. It uses no malloc, no stdio and no locale.
 */
#ifndef ARROWPOOL_BASE_MEMORY_AVAILABLE_H
#define ARROWPOOL_BASE_MEMORY_AVAILABLE_H

#include <stdint.h>

/* Returns the least limit of the control groups (bytes); INT64_MAX if there is none, or no /proc to tell.
 * `root` stands before /proc and the mount points ("" means the machine's own), `process` is a number or
 * "self". */
int64_t memory_available_in_group(const char *root, const char *process);

/* Returns all of the machine's memory (bytes). */
int64_t memory_of_machine(void);

/* Returns the lower of both. */
int64_t memory_available(void);

#endif
