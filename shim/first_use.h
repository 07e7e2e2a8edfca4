/* Says in one line what is served in the process, and how, when its first pool is used: with
 * ARROW_POOL_LOG=info. */
#ifndef ARROWPOOL_SHIM_FIRST_USE_H
#define ARROWPOOL_SHIM_FIRST_USE_H

/* Has it said from here on. The router is about to be awake. */
void first_use_watch(void);

#endif
