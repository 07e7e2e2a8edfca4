/* Who owns malloc: which library answers to a function of its family, as the program sees it.
 *
 * Programs ask the C library for versions of these functions, and find what a plain dlsym passes over, such
 * as the hidden versions of libc_malloc_debug.so. So both are asked for, and what was loaded first counts, as
 * it does when a program is linked. Called while the shim starts, by next and bypass only; may allocate, as
 * dlsym does. */
#ifndef ARROWPOOL_SHIM_OWNERS_H
#define ARROWPOOL_SHIM_OWNERS_H

#include <stdbool.h>
#include <stddef.h>

/* What a function of the malloc family is in that scope: RTLD_NEXT, RTLD_DEFAULT or a handle; NULL: nothing.
 */
void *owners_symbol(void *scope, const char *name);

/* What the whole program's calls of it arrive at; NULL: nothing. An entry of the program's that only leads
 * on, as programs at fixed addresses have them, is passed over. */
void *owners_seen(const char *name);

/* Whether the two lie in the same library. */
bool owners_same(const void *symbol, const void *other);

/* The first of these that a library which is loaded, or the program, refers to; NULL: none. Names that are
 * NULL are passed over. */
const char *owners_called(const char *const names[], size_t count);

#endif
