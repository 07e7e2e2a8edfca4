/* Looks functions up by plain and versioned names, and finds who refers to them. */
#include "shim/owners.h"

#include "shim/relocations.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* The versions that the C library's functions have had since there is one for the processor. */
#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#define C11    "GLIBC_2.16"
#define LATER  "GLIBC_2.26"
#elif defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#define C11    OLDEST
#define LATER  "GLIBC_2.26"
#else
#define OLDEST "GLIBC_2.27"
#define C11    OLDEST
#define LATER  OLDEST
#endif

static const char *version_of(const char *name) {
  return strcmp(name, "aligned_alloc") == 0 ? C11 : strcmp(name, "reallocarray") == 0 ? LATER : OLDEST;
}

/* What the C library's _dl_find_object tells, which it has from 2.35 on: struct dl_find_object, of which the
 * library's link_map is this one. */
typedef uintptr_t object[12];
#define OBJECT_LIBRARY 3

typedef int object_finder(void *address, object found);

static int find_nothing(void *address, object found) { /* NOLINT(readability-non-const-parameter): as above */
  (void)address;
  (void)found;
  return -1;
}

/* dladdr1 goes through all symbols of the library, although nobody asks for one: it is left to old C
 * libraries, since it would take most of the time of a process's start. */
static const struct link_map *library_of(const void *symbol) {
  static object_finder *_Atomic finder;
  object_finder *find = atomic_load_explicit(&finder, memory_order_relaxed);
  object found;
  Dl_info info;
  void *map = NULL;
  if (!find) {
    find = (object_finder *)dlsym(RTLD_DEFAULT, "_dl_find_object");
    if (!find) {
      dlerror(); /* NOLINT(concurrency-mt-unsafe): as in owners_symbol */
      find = find_nothing;
    }
    atomic_store_explicit(&finder, find, memory_order_relaxed);
  }
  if (symbol && find((void *)(uintptr_t)symbol, found) == 0)
    return (const struct link_map *)found[OBJECT_LIBRARY];
  return symbol && dladdr1(symbol, &info, &map, RTLD_DL_LINKMAP) ? map : NULL;
}

bool owners_same(const void *symbol, const void *other) {
  const struct link_map *library = library_of(symbol);
  return library && library == library_of(other);
}

static bool was_loaded_first(const void *symbol, const void *other) {
  const struct link_map *at = library_of(symbol), *later = library_of(other);
  while (at && at != later)
    at = at->l_next;
  return at != NULL;
}

void *owners_symbol(void *scope, const char *name) {
  void *plain = dlsym(scope, name), *versioned = dlvsym(scope, name, version_of(name));
  if (plain && versioned)
    return plain == versioned || was_loaded_first(plain, versioned) ? plain : versioned;
  /* A pending message would be freed, by way of us, at the next failure. */
  dlerror(); /* NOLINT(concurrency-mt-unsafe): glibc keeps a message for each thread */
  return plain ? plain : versioned;
}

/* Returns whether the symbol is only where a program that is not position-independent takes the function's
 * address from: of all that is loaded, the program comes first. */
static bool leads_on(const void *symbol) {
  const struct link_map *library = library_of(symbol);
  Dl_info info;
  void *entry = NULL;
  return library && !library->l_prev && dladdr1(symbol, &info, &entry, RTLD_DL_SYMENT) && entry &&
         ((const Elf64_Sym *)entry)->st_shndx == SHN_UNDEF;
}

/* Returns the library's own definition; NULL if it has none, though those that it needs may. */
static void *defined_by(const struct link_map *library, const char *name) {
  void *handle = *library->l_name ? dlopen(library->l_name, RTLD_LAZY | RTLD_NOLOAD) : NULL;
  if (!handle) { /* the kernel's library is no file */
    dlerror();   /* NOLINT(concurrency-mt-unsafe): as above */
    return NULL;
  }
  void *symbol = owners_symbol(handle, name);
  dlclose(handle);
  return library_of(symbol) == library ? symbol : NULL;
}

void *owners_seen(const char *name) {
  void *symbol = owners_symbol(RTLD_DEFAULT, name);
  if (!symbol || !leads_on(symbol))
    return symbol;
  void *found = NULL;
  const struct link_map *at = library_of(symbol);
  while (at && !found) {
    at = at->l_next;
    found = at ? defined_by(at, name) : NULL;
  }
  return found;
}

/* ---- who calls a function by name ---- */

typedef struct search {
  const char *const *names;
  size_t count;
  const char *found;
} search;

static bool is_wanted(const relocation *r, void *context) {
  search *wanted = context;
  for (size_t n = 0; n < wanted->count; n++)
    if (wanted->names[n] && strcmp(r->name, wanted->names[n]) == 0)
      wanted->found = wanted->names[n];
  return true;
}

static int calls_one(struct dl_phdr_info *library, size_t size, void *wanted) {
  (void)size;
  relocations_visit(library, is_wanted, wanted);
  return ((search *)wanted)->found != NULL;
}

const char *owners_called(const char *const names[], size_t count) {
  search wanted = {names, count, NULL};
  dl_iterate_phdr(calls_one, &wanted);
  return wanted.found;
}
