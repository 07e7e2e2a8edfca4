/* What commands that print say of who holds the memory, where there is a profile. */
#ifndef ARROWPOOL_CLI_WHO_HELD_H
#define ARROWPOOL_CLI_WHO_HELD_H

#include "base/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds the profile of a process: the one that it has mapped, or else the file that has the name of its live
 * file or dump but ends in .profile.
 *   pid     of a running process; NULL: it does not run, or cannot be seen
 *   beside  the path of that file; NULL: none is known
 *   out     the path, `size` bytes
 * Returns false if there is none. */
bool who_find_profile(const char *pid, const char *beside, char *out, size_t size);

/* Prints on stdout the three largest lines of what profiles say lives, added up. Those that cannot be read
 * are left out; nothing is printed if none can, or nothing lives. `processes` have been told of, with a
 * profile or without. */
void who_print_held(char *const paths[], size_t count, uint64_t processes);

/* Writes the same as a JSON value: how many profiles were read, and the lines; null if none was. */
void who_write_held_json(writer *w, char *const paths[], size_t count);

#endif
