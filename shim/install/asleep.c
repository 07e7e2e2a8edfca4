/* The router of a library that was not preloaded: it wakes by arrowpool_install alone. */
#include "shim/router.h"

bool router_wake(void) { return false; }
