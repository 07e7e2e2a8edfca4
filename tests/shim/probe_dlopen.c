/* dlopen under the shim. `probe_dlopen deep LIBRARY`: load it with RTLD_DEEPBIND, twice, and let it free and
 * resize our aligned pointers. `probe_dlopen caller LIBRARY NAME`: load the library, which then loads NAME by
 * itself, by its bare name: only its own RUNPATH says where that is. `probe_dlopen bound LIBRARY`: load it
 * with RTLD_DEEPBIND, and print whose function it calls, of which the program has one as well. `probe_dlopen
 * plain`: the program's own handle, a missing file, and dlerror. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what) {
  const char *error = dlerror();
  fprintf(stderr, "%s: %s\n", what, error ? error : "no error");
  return 1;
}

static int deep(const char *library) {
  for (int i = 0; i < 2; i++) {
    void *small = NULL, *large = NULL, *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (!handle)
      return fail(library);
    void (*drop)(void *) = (void (*)(void *))dlsym(handle, "probe_drop");
    void *(*grow)(void *, size_t) = (void *(*)(void *, size_t))dlsym(handle, "probe_grow");
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(handle, "probe_make");
    if (!drop || !grow || !make)
      return fail("dlsym");
    if (posix_memalign(&small, 64, 100) || posix_memalign(&large, 64, 200000))
      return 1;
    memset(large, 3, 200000);
    char *grown = grow(large, 400000);
    if (!grown || grown[199999] != 3)
      return fail("grow");
    drop(small);
    drop(grown);
    free(make(5000));
    dlclose(handle);
  }
  return 0;
}

static int caller(const char *library, const char *name) {
  void *handle = dlopen(library, RTLD_NOW);
  if (!handle)
    return fail(library);
  int (*load)(const char *) = (int (*)(const char *))dlsym(handle, "probe_load");
  return load ? load(name) : fail("dlsym");
}

__attribute__((visibility("default"))) const char *probe_whose(void);
const char *probe_whose(void) { return "the program's"; }

static int bound(const char *library) {
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!handle)
    return fail(library);
  const char *(*whose)(void) = (const char *(*)(void))dlsym(handle, "probe_bound");
  return whose ? puts(whose()) == EOF : fail("dlsym");
}

static int plain(void) {
  void *self = dlopen(NULL, RTLD_NOW);
  if (!self || !dlsym(self, "malloc"))
    return fail("self");
  dlerror();
  if (dlopen("/nonexistent/library.so", RTLD_NOW))
    return 1;
  const char *error = dlerror();
  return !error || !strstr(error, "/nonexistent/library.so") || dlerror();
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "deep") == 0)
    return deep(argv[2]);
  if (argc == 3 && strcmp(argv[1], "bound") == 0)
    return bound(argv[2]);
  if (argc == 4 && strcmp(argv[1], "caller") == 0)
    return caller(argv[2], argv[3]);
  return plain();
}
