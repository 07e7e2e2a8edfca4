/* Finds the libarrows of the process (tasks.h). They come by here in two ways: when they register handlers of
 * fork, which each does for its first thread pool; and when somebody asks for one of their memory pools.
 * Those that began before the shim are looked for by name. */
#include "shim/tasks.h"

#include "profile/profile.h"
#include "shim/libraries.h"
#include "shim/owners.h"
#include "shim/router.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

_Atomic(const arrow_tasks_callbacks *) tasks_callbacks;

/* Addresses that were looked at, of libarrows; of what has no place here it is found out again. */
#define PLACES 64
static _Atomic(const void *) seen[PLACES];

static bool is_seen(const void *address) {
  for (int i = 0; i < PLACES; i++) {
    const void *known = atomic_load_explicit(&seen[i], memory_order_acquire);
    if (known == address)
      return true;
    if (!known)
      break;
  }
  return false;
}

static void note_seen(const void *address) {
  for (int i = 0; i < PLACES; i++) {
    const void *none = NULL;
    if (atomic_compare_exchange_strong(&seen[i], &none, address) || none == address)
      return;
  }
}

/* Returns whether all that the loader was asked for was there. */
static bool patch(void *library) {
  static atomic_flag said;
  const char *reason = arrow_tasks_patch(library, atomic_load(&tasks_callbacks));
  if (reason && !atomic_flag_test_and_set(&said))
    router_warn(PIECES("no Python line is known of what Arrow's threads allocate: ", reason));
  if (!reason)
    profile_tasks_are_told();
  return !reason;
}

/* Patches a library that is loaded, if it is a libarrow. Returns whether it is one. */
static bool look_at_library(const char *file) {
  void *library = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
  void *factory = library ? dlsym(library, "_ZN5arrow19default_memory_poolEv") : NULL;
  bool arrow = factory && !owners_same(factory, &tasks_callbacks); /* the shim has such a function, too */
  if (!arrow || !patch(library)) /* A pending message would be freed, by way of us, at the next failure. */
    dlerror();                   /* NOLINT(concurrency-mt-unsafe): glibc keeps a message for each thread */
  if (library)
    dlclose(library);
  return arrow;
}

void tasks_look_at(const void *address) {
  Dl_info info;
  int saved = errno;
  if (!is_seen(address) && dladdr(address, &info) && info.dli_fname && look_at_library(info.dli_fname))
    note_seen(address);
  errno = saved;
}

static bool is_named_libarrow(const char *file) {
  static const char name[] = "libarrow.so";
  const char *slash = strrchr(file, '/');
  return strncmp(slash ? slash + 1 : file, name, sizeof name - 1) == 0;
}

void tasks_watch(const arrow_tasks_callbacks *callbacks) {
  int saved = errno;
  atomic_store_explicit(&tasks_callbacks, callbacks, memory_order_release);
  libraries_iterator library = {0};
  while (libraries_next(&library))
    if (is_named_libarrow(library.file))
      look_at_library(library.file);
  errno = saved;
}
