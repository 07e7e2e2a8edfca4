/* How the library came into the process, as reports and files say it. */
#ifndef ARROWPOOL_BASE_PRESENCE_H
#define ARROWPOOL_BASE_PRESENCE_H

#include "arrowpool.h"

#include <stdatomic.h>
#include <stdint.h>

extern _Atomic uint32_t presence_now; /* an arrowpool_presence, plus 1: 0 is not known, of files */

#define PRESENCE_OF(presence) ((uint32_t)(presence) + 1)

/* Returns the word for what files have; NULL: it is not known. */
static inline const char *presence_name(uint32_t presence) {
  static const char *const names[] = {[PRESENCE_OF(ARROWPOOL_LINKED)] = "linked",
                                      [PRESENCE_OF(ARROWPOOL_INSTALLED)] = "installed",
                                      [PRESENCE_OF(ARROWPOOL_PRELOADED)] = "preloaded"};
  return presence < sizeof names / sizeof *names ? names[presence] : NULL;
}

/* What an installation leaves out, for people. */
#define PRESENCE_INSTALLED_TEXT "installed: libc's functions are not rerouted"

#endif
