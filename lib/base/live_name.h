/* The name of a live file: arrowpool-PID-START-N.live, with the process's number in its own namespace, its
 * start (clock ticks since boot), and how often it had become another program. A profile's ends otherwise. */
#ifndef ARROWPOOL_BASE_LIVE_NAME_H
#define ARROWPOOL_BASE_LIVE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_SUFFIX     ".live"
#define LIVE_NAME_BYTES 96 /* the longest, with its NUL and an ending of at most 16 bytes */

/* Writes the name with such an ending; returns its length. */
size_t live_name_make(char out[LIVE_NAME_BYTES], int64_t pid, int64_t start_ticks, int64_t image,
                      const char *suffix);

/* Returns the length of what stands before a suffix: arrowpool-PID-START-N, whose numbers go to `numbers`,
 * which may be NULL. 0: the name does not begin like that. */
size_t live_name_parse(const char *name, int64_t numbers[3]);

/* Returns whether it is the name of a live file, without its directory; its numbers likewise. */
bool live_name_is(const char *name, int64_t numbers[3]);

#endif
