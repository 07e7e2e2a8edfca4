/* What errors of system calls mean, in words: those of the C library, which has them without a locale and
 * without memory of its own only since glibc 2.32. */
#ifndef ARROWPOOL_BASE_ERRORS_H
#define ARROWPOOL_BASE_ERRORS_H

/* Returns the text of an errno; "Unknown error" for one that no call on files or memory ends with.
 * Async-signal-safe. */
const char *errors_text(int number);

#endif
