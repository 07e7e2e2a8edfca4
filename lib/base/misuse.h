/* Ends the program on misuse: a free or a reallocation that would damage the memory of somebody else.
 *
 * It does as the C library does: it writes one line to stderr by write(2), then aborts. Damage is no matter
 * of settings, so no setting turns this off; in a debug mode the guard (guard.h) stands before it. It is
 * async-signal-safe. The jemalloc backend calls it and, through the backend, jemalloc, without a lock held.
 */
#ifndef ARROWPOOL_BASE_MISUSE_H
#define ARROWPOOL_BASE_MISUSE_H

/* Is told one line, without "arrowpool: " and without its end; NULL sends the line to stderr. It is set
 * before pools are used. */
extern void (*misuse_tell)(const char *line);

/* Ends the program because no live buffer begins at the address. */
_Noreturn void misuse_end(const void *address);

/* Ends the program with jemalloc's own message. */
void misuse_end_saying(const char *what);

#endif
