/* No call of ours ends a thread that was cancelled. malloc, free and fork are no cancellation points, so
 * threads come by with a cancellation pending; but open, close, write, pthread_join and others, which we
 * call in their slow parts, are some, and the thread would end with locks held.
 *
 * Slow work is done between begin and end, wherever it may come to such a call; pairs may be nested. The
 * thread finds its state as it was, and is cancelled later, where it expects that. Async-signal-safe; errno
 * is kept. */
#ifndef ARROWPOOL_BASE_NOCANCEL_H
#define ARROWPOOL_BASE_NOCANCEL_H

#include <pthread.h>

/* The state as it was, for nocancel_end. */
static inline int nocancel_begin(void) {
  int before = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  return before;
}

static inline void nocancel_end(int before) { pthread_setcancelstate(before, &before); }

#endif
