/* Keeps how the library came into the process (presence.h). */
#include "base/presence.h"

_Atomic uint32_t presence_now = PRESENCE_OF(ARROWPOOL_LINKED);
