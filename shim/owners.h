/* Finds who owns malloc: which library answers to a function of its family, as the program sees it.
 *
 * Programs ask the C library for versions of these functions, and find what a plain dlsym passes over, such
 * as the hidden versions of libc_malloc_debug.so. So both are asked for, and what was loaded first counts, as
 * it does when a program is linked. Only next and bypass call this, while the shim starts; it may allocate,
 * as dlsym does. */
#ifndef ARROWPOOL_SHIM_OWNERS_H
#define ARROWPOOL_SHIM_OWNERS_H

#include <stdbool.h>
#include <stddef.h>

/* Returns what a function of the malloc family is in that scope: RTLD_NEXT, RTLD_DEFAULT or a handle; NULL if
 * there is nothing. */
void *owners_symbol(void *scope, const char *name);

/* Returns what the whole program's calls of it arrive at; NULL if there is nothing. An entry of the program's
 * that only leads on, as programs at fixed addresses have them, is passed over. */
void *owners_seen(const char *name);

/* Returns whether the two lie in the same library. */
bool owners_same(const void *symbol, const void *other);

/* Returns the first of these that a loaded library or the program refers to; NULL if there is none. Names
 * that are NULL are passed over. */
const char *owners_called(const char *const names[], size_t count);

#endif
