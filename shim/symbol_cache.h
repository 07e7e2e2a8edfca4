/* Finds what a function's caller sees under its name behind us: the definition of the caller's own libraries,
 * which under Python are in nobody else's view. Two copies of a library in one process each get their own. */
#ifndef ARROWPOOL_SHIM_SYMBOL_CACHE_H
#define ARROWPOOL_SHIM_SYMBOL_CACHE_H

/* Returns the definition; NULL if there is none, or more than one and nothing to choose by. `name` must be a
 * constant: answers are kept by its address and `caller`, a return address. It is lock-free once an answer is
 * known. */
void *symbol_cache_look_up(const char *name, const void *caller);

#endif
