/* Judges what settings say together with the file system, before anything is started: whether what a process
 * shall write can be written, and whether a setting does anything at all. */
#ifndef ARROWPOOL_CLI_PROGRAM_SETTINGS_H
#define ARROWPOOL_CLI_PROGRAM_SETTINGS_H

#include "options/options.h"

enum { SETTINGS_BYTES = 8192 };

/* Returns NULL, or what is wrong with the value of an option, perhaps in `out`. */
const char *settings_judge(const options *settings, int option, char out[SETTINGS_BYTES]);

/* Returns the option without which this one does nothing (STATS of STATS_FORMAT); -1: there is none. */
int settings_parent(int option);

/* Makes the directory of an option as the process would. Returns NULL, or what is wrong. */
const char *settings_make_directory(const options *settings, int option, char out[SETTINGS_BYTES]);

#endif
