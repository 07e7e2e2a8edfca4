/* A library that is loaded at run time: it handles pointers of others, and loads a neighbour by its bare
 * name, which only works if the loader sees that the call comes from here. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void probe_drop(void *buffer);
EXPORT void *probe_grow(void *buffer, size_t size);
EXPORT void *probe_make(size_t size);
EXPORT int probe_load(const char *name);
EXPORT int probe_load_and_keep(const char *name);
EXPORT const char *probe_whose(void);
EXPORT const char *probe_bound(void);

EXPORT void probe_drop(void *buffer) { free(buffer); }

EXPORT void *probe_grow(void *buffer, size_t size) { return realloc(buffer, size); }

EXPORT void *probe_make(size_t size) { return aligned_alloc(64, size); }

EXPORT int probe_load(const char *name) {
  void *handle = dlopen(name, RTLD_NOW);
  if (!handle) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  return dlclose(handle);
}

EXPORT int probe_load_and_keep(const char *name) { return !dlopen(name, RTLD_NOW); }

/* The program has one of that name, too. By a pointer that the loader fills in. */
EXPORT const char *probe_whose(void) { return "the library's"; }

EXPORT const char *probe_bound(void) { return probe_whose(); }
