/* Tells whether pointers of ours could be freed, resized or measured past us: then the libc hook must not
 * serve. */
#ifndef ARROWPOOL_SHIM_BYPASS_H
#define ARROWPOOL_SHIM_BYPASS_H

/* Returns the name of a function by which that would happen, which the program takes from elsewhere; NULL if
 * there is none. It knows what can be seen when the program starts, not what the program loads later or looks
 * up by dlsym. It is called once, after the next functions were resolved, and keeps errno. */
const char *bypass_find(void);

#endif
