/* Writes into memory that the loader made read-only once it was done with it. */
#ifndef ARROWPOOL_ARROW_READ_ONLY_H
#define ARROWPOOL_ARROW_READ_ONLY_H

#include <stdbool.h>

/* Stores `value` in the word, as one write, and returns true. Its page is writable meanwhile, and has the
 * protection of before afterwards. Returns false, and has changed nothing, if the kernel does not tell that
 * protection or does not let it be changed.
 *
 * Two stores to one page must not overlap. It keeps errno, allocates nothing and takes no lock. */
bool read_only_store(void **word, void *value);

/* Does the same, but where the page is writable: there the loader may be about to make it read-only. */
bool read_only_store_locked(void **word, void *value);

#endif
