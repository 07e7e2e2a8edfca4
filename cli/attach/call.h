/* Has another process load a library and call a function of it, on a thread of its own, while it runs on.
 * From the moment a thread of it is sent to start that thread nothing more is needed from here: whoever sent
 * it may end at any time, and the process goes on as if nothing had been. */
#ifndef ARROWPOOL_CLI_ATTACH_CALL_H
#define ARROWPOOL_CLI_ATTACH_CALL_H

#include "cli/attach/subject.h"

enum { CALL_TEXT_BYTES = 600 };

typedef struct call {
  const char *library;  /* its path, as the process sees it */
  const char *function; /* int function(const char *options, char *message, size_t size) */
  const char *options;
  size_t options_size; /* bytes, with its last NUL */
} call;

/* Calls it. Returns true if the function was called: its status and message are in `status` and `text`. Else
 * `text` says why it was not. */
bool call_make(const subject *s, const call *c, int *status, char text[CALL_TEXT_BYTES]);

/* Returns NULL if there is room for the call, else why it cannot be made. Nothing is touched. */
const char *call_judge(const subject *s, const call *c);

#endif
