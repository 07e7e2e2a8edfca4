/* Asks each library that is new for the functions by which Arrow's pools are had (find_arrow.h). */
#include "shim/install/find_arrow.h"

#include "arrow/abi.h"
#include "shim/arrow_patch.h"
#include "shim/libraries.h"

#if ABI_KNOWN
#include "shim/arrow_vtable.h"
#include "shim/tasks.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>

#define DEFAULT_POOL "_ZN5arrow19default_memory_poolEv"

typedef void *pool_factory(void);
typedef abi_object status_factory(void **out); /* a Status */

/* ---- libraries that are new ---- */

typedef struct loads {
  unsigned long long ever;
  size_t now;
} loads;

static int count_loads(struct dl_phdr_info *info, size_t size, void *context) {
  loads *l = context;
  (void)size;
  l->ever = info->dlpi_adds;
  l->now++;
  return 0;
}

static loads read_loads(void) {
  loads l = {0};
  dl_iterate_phdr(count_loads, &l);
  return l;
}

/* ---- libarrows ---- */

#define LIBRARIES 16
static _Atomic(void *) known[LIBRARIES]; /* their functions for the default pool */

/* Returns whether it is known already, also by what needs it; else it is from now on. */
static bool is_known(void *factory) {
  for (int i = 0; i < LIBRARIES; i++) {
    void *none = NULL;
    if (atomic_compare_exchange_strong(&known[i], &none, factory))
      return false;
    if (none == factory)
      return true;
  }
  return true; /* nobody has so many */
}

/* Calls the function with each library from the number on that has one for the default pool, or gets one from
 * those that it needs. */
static void for_each(size_t first, void (*visit)(void *library, pool_factory *factory)) {
  int saved = errno;
  libraries_iterator i = {.passed = first};
  while (libraries_next(&i)) {
    void *library = dlopen(*i.file ? i.file : NULL, RTLD_LAZY | RTLD_NOLOAD);
    void *factory = library ? dlsym(library, DEFAULT_POOL) : NULL;
    if (factory)
      visit(library, (pool_factory *)factory);
    else
      dlerror(); /* NOLINT(concurrency-mt-unsafe): glibc keeps a message for each thread */
    if (library)
      dlclose(library);
  }
  errno = saved;
}

/* ---- what can be patched ---- */

static const char *verdict;
static bool any_fits; /* the thread that installs has these to itself */

static void judge(void *library, pool_factory *factory) {
  (void)library;
  const char *reason = arrow_patch_judge(factory());
  any_fits = any_fits || !reason;
  verdict = reason;
}

const char *find_arrow_judge(void) {
  verdict = NULL;
  any_fits = false;
  for_each(0, judge);
  return any_fits ? NULL : verdict;
}

/* ---- patching ---- */

/* What a libarrow was built without answers by an error, which nobody reads: its few bytes stay. */
static void patch_made(void *library, const char *symbol) {
  status_factory *make = (status_factory *)dlsym(library, symbol);
  void *object = NULL;
  if (make && !make(&object).state)
    arrow_vtable_patch(object);
}

static void patch_pools(void *library, pool_factory *factory) {
  if (is_known((void *)factory))
    return;
  tasks_found((void *)factory);
  arrow_vtable_patch(factory());
  pool_factory *system = (pool_factory *)dlsym(library, "_ZN5arrow18system_memory_poolEv");
  if (system)
    arrow_vtable_patch(system());
  patch_made(library, "_ZN5arrow20jemalloc_memory_poolEPPNS_10MemoryPoolE");
  patch_made(library, "_ZN5arrow20mimalloc_memory_poolEPPNS_10MemoryPoolE");
}

void find_arrow_patch_new(void) {
  static _Atomic unsigned long long seen;
  loads l = read_loads();
  unsigned long long before = atomic_exchange(&seen, l.ever), fresh = l.ever - before;
  if (fresh)
    for_each(l.now > fresh ? l.now - (size_t)fresh : 0, patch_pools);
}

#else

const char *find_arrow_judge(void) { return NULL; }
void find_arrow_patch_new(void) {}

#endif
