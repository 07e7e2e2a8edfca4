/* Whether pointers of ours could be freed, resized or measured past us: then the libc hook must not serve. */
#ifndef ARROWPOOL_SHIM_BYPASS_H
#define ARROWPOOL_SHIM_BYPASS_H

/* A function by which that would happen, which the program takes from elsewhere; NULL: none. As far as it can
 * be seen when the program starts: what it loads later, or looks up by dlsym, is not known. Called once,
 * after the next functions were resolved; keeps errno. */
const char *bypass_find(void);

#endif
