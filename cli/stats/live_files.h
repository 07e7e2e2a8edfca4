/* Finds where live files are, for the commands that are given a process instead of a path. A running process
 * says so itself, by what it has mapped: its environment may be gone, as a title is often written over it. */
#ifndef ARROWPOOL_CLI_STATS_LIVE_FILES_H
#define ARROWPOOL_CLI_STATS_LIVE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns whether an argument is the number of a process. */
bool live_files_is_pid(const char *text);

/* Finds the live file that a running process has mapped. Returns false if there is none that we may see. */
bool live_files_of_process(const char *pid, char *out, size_t size);

/* Finds likewise a file named as a live file, with another suffix. */
bool live_files_mapped(const char *pid, const char *suffix, char *out, size_t size);

/* Finds, of the files of that process number and suffix in a directory, the newest: that of the last process
 * of that number, after its last exec. Returns false if there is none: errno is 0, or says why nobody can
 * look. */
bool live_files_newest(const char *directory, int64_t pid, const char *suffix, char *out, size_t size);

/* Returns whether a directory can be listed and its files be opened; errno says why not. */
bool live_files_can_read(const char *directory);

/* Returns ARROW_POOL_LIVE of this environment, else of the environment of the process (`pid` may be NULL),
 * perhaps in `out`; NULL if neither says, or it is not ours to see. */
const char *live_files_directory(const char *pid, char *out, size_t size);

/* Returns likewise what another variable says. */
const char *live_files_directory_by(const char *variable, const char *pid, char *out, size_t size);

#endif
