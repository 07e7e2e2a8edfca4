/* Looks for functions that free, resize or measure past the shim, in what the program sees and calls. */
#include "shim/bypass.h"

#include "shim/owners.h"

#include <dlfcn.h>
#include <errno.h>

static const char *const bypasses[] = {
#define BYPASS(name) name,
#include "base/bypasses.def"
#undef BYPASS
};
enum { LIBC_BYPASSES = 2, BYPASSES = sizeof bypasses / sizeof *bypasses };

static const char ours = 0; /* it lies where we do */

/* Returns a bypass that something calls; only those count of the allocator that would serve in our place. */
static const char *find_called(void) {
  const char *known[BYPASSES];
  const void *owner = owners_symbol(RTLD_NEXT, "free");
  bool is_libc = owners_same(owner, owners_seen("gnu_get_libc_version")), any = false;
  size_t count = is_libc ? LIBC_BYPASSES : BYPASSES;
  for (size_t i = 0; i < count; i++) {
    known[i] = owners_same(owners_seen(bypasses[i]), owner) ? bypasses[i] : NULL;
    any |= known[i] != NULL;
  }
  return any ? owners_called(known, count) : NULL;
}

const char *bypass_find(void) {
  static const char *const names[] = {"free", "realloc", "malloc_usable_size"};
  const char *found = NULL;
  int saved = errno;
  for (size_t i = 0; !found && i < sizeof names / sizeof *names; i++)
    found = owners_same(owners_seen(names[i]), &ours) ? NULL : names[i];
  found = found ? found : find_called();
  errno = saved;
  return found;
}
