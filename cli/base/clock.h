/* The time, in whole units. */
#ifndef ARROWPOOL_CLI_BASE_CLOCK_H
#define ARROWPOOL_CLI_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_microseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Of the clock that never goes back. */
static inline int64_t clock_milliseconds(void) { return clock_microseconds(CLOCK_MONOTONIC) / 1000; }

#endif
