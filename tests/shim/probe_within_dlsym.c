/* A library to be preloaded before the shim: its dlsym asks for page-aligned memory, once, while the shim is
 * looking for the functions behind it, and says how that went when the process ends. */
#include "probe.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdbool.h>
#include <unistd.h>

typedef void *lookup(void *library, const char *name);

static bool asked;

static void ask(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  asked = true;
  void *small = valloc(100), *whole = pvalloc(1), *more = valloc(1);
  CHECK(is_aligned(small, page) && is_aligned(whole, page) && is_aligned(more, page), "%p %p %p", small,
        whole, more);
  CHECK(!whole || !more || (char *)more - (char *)whole >= (ptrdiff_t)page, "%p %p", whole, more);
}

/* It leaves by a jump, since the real one looks at who calls. */
__attribute__((visibility("default"))) void *dlsym(void *library, const char *name) {
  static lookup *real;
  /* It moved into libc in 2.34; before that it has the version of its processor's first glibc. */
  static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.27"};
  for (size_t i = 0; !real && i < sizeof versions / sizeof *versions; i++)
    real = (lookup *)dlvsym(RTLD_NEXT, "dlsym", versions[i]);
  if (!asked)
    ask();
  return real(library, name);
}

__attribute__((destructor)) static void tell(void) {
  CHECK(asked, "dlsym was not called");
  dprintf(1, "%d failures\n", probe_failures);
}
