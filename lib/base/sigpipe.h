/* Writing must not kill the host: a closed pipe or a file-size limit raises a signal in whoever writes, and a
 * thread that was cancelled ends where it opens or writes. Between calm_begin and calm_end these signals and
 * cancellation are held back from the calling thread, and the signals that the writing itself caused are
 * swallowed. Async-signal-safe. */
#ifndef ARROWPOOL_CALM_H
#define ARROWPOOL_CALM_H

#include <stdint.h>

typedef struct calm {
  uint64_t mask, pending; /* as they were; as the kernel has them, not in the C library's 128 bytes */
  int cancel_state;
} calm;

void calm_begin(calm *c);
void calm_end(const calm *c);

#endif
