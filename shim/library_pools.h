/* Pools of single libraries: what ARROW_POOL_LIBRARIES names gets its memory from us, malloc's as well, and
 * counts in a pool of its own.
 *
 * A library calls malloc by an entry of its global offset table. Once the library is loaded, its entries are
 * overwritten by ours (hooks/library.c), one aligned word each; nobody else's calls change. Entries go with
 * their library, and are found again by what is in them: nothing has to be noted when it is unloaded, and
 * what a thread that called a function for the first time wrote over ours is mended by the next pass. free
 * and realloc are ours for the whole process, so buffers may go anywhere: they are known by their addresses.
 */
#ifndef ARROWPOOL_SHIM_LIBRARY_POOLS_H
#define ARROWPOOL_SHIM_LIBRARY_POOLS_H

#include "shim/router.h"

#define LIBRARY_POOLS 16

/* What hands memory out. */
#define LIBRARY_CALLS(X)                                                                                     \
  X(malloc) X(calloc) X(realloc) X(reallocarray) X(posix_memalign) X(aligned_alloc) X(memalign)

typedef enum library_call {
#define X(name) LIBRARY_CALL_##name,
  LIBRARY_CALLS(X)
#undef X
      LIBRARY_CALL_COUNT
} library_call;

/* A pool's record is filled before an entry leads to it, and constant from then on. */
extern router_hook library_pools[LIBRARY_POOLS];

/* Says which libraries (a list as in library_names.h, which lives on), and what their pools are like. It is
 * called once, by whoever wakes the router. */
void library_pools_configure(const char *names, pool_config config);

/* Returns whether libraries were named. The router is awake, here and in what follows. */
bool library_pools_wanted(void);

/* Goes over all that is loaded: the calls of named libraries lead to the functions of their pools. It takes
 * the loader's lock, and keeps errno. */
typedef void *library_functions[LIBRARY_POOLS][LIBRARY_CALL_COUNT];
void library_pools_redirect(library_functions functions);

/* Tells of names that came to nothing, one line each, in a process that loads libraries while it runs. It
 * takes the loader's lock. */
void library_pools_tell_unused(void);

#endif
