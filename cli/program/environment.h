/* Environments as lists: NAME=VALUE, and NULL at the end. Whoever makes one frees the list by free; the texts
 * stay the caller's. */
#ifndef ARROWPOOL_CLI_PROGRAM_ENVIRONMENT_H
#define ARROWPOOL_CLI_PROGRAM_ENVIRONMENT_H

/* Returns the value of a variable; NULL if it is not set, as in an environment that is NULL. */
const char *environment_get(char *const environment[], const char *name);

/* Makes an environment with these settings in place of all others of their names. Of two settings of one name
 * the later counts. */
char **environment_with(char *const environment[], char *const settings[]);

#endif
