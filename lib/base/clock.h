/* The kernel's own clock, whatever the program's clock_gettime says: tools that freeze or bend time for a
 * program (libfaketime, record and replay of tests) stand in front of the C library's, and idle pages would
 * stay for ever. */
#ifndef ARROWPOOL_BASE_CLOCK_H
#define ARROWPOOL_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds, coarse, monotonic. No system call where the kernel has a page for that (vdso(7)).
 * Async-signal-safe. */
int64_t clock_milliseconds(void);

#endif
