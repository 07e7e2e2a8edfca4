/* `arrowpool who --holders`: asks a running process which of its variables keep what memory alive. Its
 * package arrowpool answers at a socket, by the protocol of docs/use/holders.md. */
#ifndef ARROWPOOL_CLI_WHO_HOLDERS_H
#define ARROWPOOL_CLI_WHO_HOLDERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Asks, and writes the answer to stdout, as json or for people. `directory` is where the socket is; NULL:
 * where ARROW_POOL_HOLDERS says, of this environment or of the process's. Returns CLI_OK, or CLI_FAILURE
 * behind a message. */
int who_holders(const char *pid, const char *directory, bool json);

/* Writes an answer for people, as the package prints it; what it lacks is 0 or "?". (holders_text.c) */
void who_write_holders(FILE *out, const json_t *answer);

#endif
