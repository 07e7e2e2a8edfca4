/* Finds the named libraries among all that is loaded, and redirects their calls (library_pools.h). All of it
 * happens within the loader's iteration: its lock keeps one thread at a time here, and the library in place.
 */
#include "shim/library_pools.h"

#include "arrow/read_only.h"
#include "options/library_names.h"
#include "shim/libraries.h"
#include "shim/relocations.h"

#include <errno.h>
#include <string.h>

router_hook library_pools[LIBRARY_POOLS];

typedef struct wanted_library {
  library_name name;
  bool loaded, calls, redirected; /* a library of that name was, and what its entries were like */
} wanted_library;

static wanted_library wanted[LIBRARY_NAMES_MOST];
static const char *wanted_names;
static size_t wanted_count;
static pool_config config;
static _Atomic unsigned passes; /* over all that is loaded */

void library_pools_configure(const char *names, pool_config config_) {
  wanted_names = names;
  config = config_;
  for (library_name name; library_names_next(&names, &name) && wanted_count < LIBRARY_NAMES_MOST;)
    wanted[wanted_count++] = (wanted_library){.name = name};
}

bool library_pools_wanted(void) { return wanted_count; }

/* ---- which pool ---- */

/* Returns the index of the pool of that name, which is made if need be; -1 if there can be no more. */
static int pool_of_name(const char *name) {
  int index = 0;
  while (index < LIBRARY_POOLS && library_pools[index].pool &&
         strcmp(pool_name(library_pools[index].pool), name) != 0)
    index++;
  if (index < LIBRARY_POOLS && !library_pools[index].pool) {
    router_hook hook = {.active = true, .ours = config.is_found};
    if (pool_create(name, config, &hook.pool) != ARROWPOOL_OK)
      return -1;
    library_pools[index] = hook;
  }
  return index < LIBRARY_POOLS ? index : -1;
}

/* A pattern may fit many libraries, each of which has a pool of its own. */
static int pool_of(const wanted_library *w, const char *path) {
  static bool said;
  library_name own = library_names_is_pattern(w->name) ? library_names_of(path) : w->name;
  char name[ARROWPOOL_NAME_MAX + 1] = "lib.";
  size_t length = own.length < sizeof name - sizeof "lib." ? own.length : sizeof name - sizeof "lib.";
  memcpy(name + strlen(name), own.text, length);
  int index = pool_of_name(name);
  if (index < 0 && !said)
    router_warn(PIECES("ARROW_POOL_LIBRARIES: ", path, " has no pool of its own: there are 16"));
  said |= index < 0;
  return index;
}

static wanted_library *wanted_at(const char *path) {
  for (wanted_library *w = wanted; w < wanted + wanted_count; w++)
    if (library_names_match(w->name, path))
      return w;
  return NULL;
}

/* ---- redirecting ---- */

typedef struct redirection {
  const struct dl_phdr_info *library;
  void *const *functions;
  wanted_library *wanted;
  bool changed;
} redirection;

static const char *const call_names[] = {
#define X(name) #name,
    LIBRARY_CALLS(X)
#undef X
};

/* A page that the loader is about to make read-only belongs to a library that another thread is loading:
 * that thread comes by here when it has. */
static bool write_entry(const struct dl_phdr_info *library, void **entry, void *function) {
  if (relocations_protect(library, entry))
    return read_only_store_locked(entry, function);
  __atomic_store_n(entry, function, __ATOMIC_RELEASE);
  return true;
}

static bool redirect_call(const relocation *r, void *context) {
  redirection *to = context;
  for (int i = 0; r->is_call && i < LIBRARY_CALL_COUNT; i++) {
    if (strcmp(r->name, call_names[i]) != 0)
      continue;
    bool done = __atomic_load_n(r->word, __ATOMIC_RELAXED) == to->functions[i];
    bool changed = !done && write_entry(to->library, r->word, to->functions[i]);
    to->wanted->calls = true;
    to->wanted->redirected |= done || changed;
    to->changed |= changed;
  }
  return true;
}

static int redirect_library(struct dl_phdr_info *library, size_t size, void *context) {
  library_functions *functions = context;
  (void)size;
  wanted_library *w = *library->dlpi_name ? wanted_at(library->dlpi_name) : NULL;
  if (!w || library_names_is_refused(library->dlpi_name))
    return 0;
  w->loaded = true;
  int index = pool_of(w, library->dlpi_name);
  if (index < 0)
    return 0;
  redirection to = {.library = library, .functions = (*functions)[index], .wanted = w};
  relocations_visit(library, redirect_call, &to);
  if (to.changed)
    router_inform(
        PIECES(library->dlpi_name, " has a pool of its own: ", pool_name(library_pools[index].pool)));
  return 0;
}

void library_pools_redirect(library_functions functions) {
  int saved = errno;
  atomic_fetch_add(&passes, 1);
  dl_iterate_phdr(redirect_library, functions);
  errno = saved;
}

/* ---- what came of it ---- */

static bool find_near(library_name name, libraries_iterator *library) {
  while (libraries_next(library))
    if (*library->file && library_names_is_near(name, library->file))
      return true;
  return false;
}

static void tell_unused(const wanted_library *w) {
  static libraries_iterator library;
  char name[256];
  size_t length = w->name.length < sizeof name - 1 ? w->name.length : sizeof name - 1;
  memcpy(name, w->name.text, length);
  name[length] = 0;
  library.passed = 0;
  if (w->loaded)
    router_warn(PIECES("ARROW_POOL_LIBRARIES: ", name,
                       w->calls ? ": the kernel did not let its calls be redirected"
                                : ": it calls no malloc but its own, so nothing of it is served"));
  else if (find_near(w->name, &library))
    router_warn(PIECES("ARROW_POOL_LIBRARIES: no library ", name, " was loaded; ", library.file, " was"));
  else
    router_warn(PIECES("ARROW_POOL_LIBRARIES: no library ", name, " was loaded"));
}

/* A program that loads nothing, such as a shell on the way to it, is not the one that was meant. */
void library_pools_tell_unused(void) {
  for (const wanted_library *w = wanted; w < wanted + wanted_count; w++)
    if (!w->redirected && (w->loaded || atomic_load(&passes) > 1))
      tell_unused(w);
}
