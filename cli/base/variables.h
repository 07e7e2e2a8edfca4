/* Finds variables whose names look like ours, and which known one was meant. */
#ifndef ARROWPOOL_CLI_BASE_VARIABLES_H
#define ARROWPOOL_CLI_BASE_VARIABLES_H

/* Returns the known variable whose name takes the fewest edits. */
const char *variables_nearest(const char *name);

/* Tells of each unknown variable in the environment, with the nearest known one. */
typedef void (*variables_tell)(void *context, const char *name, const char *nearest);
void variables_check(char *const environment[], variables_tell tell, void *context);

/* Tells on stderr. */
void variables_check_own(void);

#endif
