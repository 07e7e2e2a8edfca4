/* Keeps writing from killing the host. A closed pipe or a file-size limit raises a signal in whoever writes,
 * and a thread that was cancelled ends where it opens or writes. Between sigpipe_begin and sigpipe_end these
 * signals and cancellation are held back from the calling thread, and the signals that the writing itself
 * caused are swallowed. Both are async-signal-safe. */
#ifndef ARROWPOOL_BASE_SIGPIPE_H
#define ARROWPOOL_BASE_SIGPIPE_H

#include <stdint.h>

typedef struct sigpipe_state {
  uint64_t mask, pending; /* as they were before; in the kernel's form, not in the C library's 128 bytes */
  int cancel_state;
} sigpipe_state;

void sigpipe_begin(sigpipe_state *c);
void sigpipe_end(const sigpipe_state *c);

#endif
