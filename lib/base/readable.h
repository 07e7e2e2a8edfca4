/* Whether memory can be read, told by the kernel without a fault: for addresses that are believed and not
 * known. It is a system call for each page that is asked about, of a kind that no sandbox forbids.
 * Async-signal-safe; both functions keep errno. */
#ifndef ARROWPOOL_BASE_READABLE_H
#define ARROWPOOL_BASE_READABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Returns whether the kernel tells at all: an emulator of it may not. */
bool readable_can_tell(void);

/* Returns whether all of [from, from + size) can be read; size: bytes, from 1 on. What is no address at all
 * cannot. Another thread may unmap it a moment later. */
bool readable(const void *from, size_t size);

#endif
