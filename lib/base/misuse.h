/* What ends the program: a free or a reallocation that would damage the memory of somebody else.
 *
 * As the C library does: one line on stderr by write(2), then abort. Damage is no matter of settings, so no
 * setting turns it off; the guard (guard.h) stands before it in a debug mode. Async-signal-safe. Called by
 * the jemalloc backend and, through it, by jemalloc, without a lock held. */
#ifndef ARROWPOOL_BASE_MISUSE_H
#define ARROWPOOL_BASE_MISUSE_H

/* Tells one line, without "arrowpool: " and without its end; NULL: it goes to stderr. Set before pools are
 * used. */
extern void (*misuse_tell)(const char *line);

/* There is no live buffer that begins at the address. */
_Noreturn void misuse_end(const void *address);

/* The same, as jemalloc found it. */
void misuse_end_saying(const char *what);

#endif
