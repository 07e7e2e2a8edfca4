/* The kernel's own clock, whatever the program's clock_gettime says. Tools that freeze or bend time for a
 * program (libfaketime, record and replay of tests) stand in front of the C library's, and idle pages would
 * stay for ever. */
#ifndef ARROWPOOL_BASE_CLOCK_H
#define ARROWPOOL_BASE_CLOCK_H

#include <stdint.h>

/* Monotonic time: coarse, and exact. No system call is made where the kernel has a vDSO (vdso(7)). All are
 * async-signal-safe. */
int64_t clock_milliseconds(void);
int64_t clock_microseconds(void);

/* Milliseconds since the epoch. */
int64_t clock_since_epoch(void);

#endif
