/* Holds back thread cancellation, so that no call of ours ends a thread that was cancelled. malloc, free and
 * fork are no cancellation points, so threads come by with a cancellation pending; but open, close, write,
 * pthread_join and others, which our slow parts call, are, and the thread would end with locks held.
 *
 * Slow work that may come to such a call is done between begin and end; pairs may be nested. The thread finds
 * its state as it was, and is cancelled later, where it expects that. Both are async-signal-safe and keep
 * errno. */
#ifndef ARROWPOOL_BASE_NOCANCEL_H
#define ARROWPOOL_BASE_NOCANCEL_H

#include <pthread.h>

/* Returns the state as it was, for nocancel_end. */
static inline int nocancel_begin(void) {
  int before = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  return before;
}

static inline void nocancel_end(int before) { pthread_setcancelstate(before, &before); }

#endif
