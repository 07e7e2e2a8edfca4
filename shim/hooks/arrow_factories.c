/* The arrow_vtable hook: the functions by which programs get at Arrow's pools, which are patched on the way
 * (arrow_patch.h). */
#include "arrow/abi.h"

#if ABI_KNOWN
#include "shim/arrow_vtable.h"
#include "shim/router.h"
#include "shim/symbol_cache.h"
#include "shim/tasks.h"

/* Patches the pool, and the thread pools of the library that has the factory. */
static void *patched(void *object, const void *factory) {
  bool wanted = router_vtable_hook();
  tasks_found(factory);
  return wanted ? arrow_vtable_patch(object) : object;
}

#define EXPORT __attribute__((visibility("default")))

/* Whoever calls these has a libarrow that defines them. */
#define FACTORY(symbol)                                                                                      \
  EXPORT void *symbol(void);                                                                                 \
  EXPORT void *symbol(void) {                                                                                \
    void *(*theirs)(void) = (void *(*)(void))symbol_cache_look_up(#symbol, __builtin_return_address(0));     \
    return theirs ? patched(theirs(), (void *)theirs) : NULL;                                                \
  }
FACTORY(_ZN5arrow19default_memory_poolEv)
FACTORY(_ZN5arrow18system_memory_poolEv)

/* These return a Status and write the pool: where a build lacks the backend, Arrow's own error stays. */
static inline __attribute__((always_inline)) void *make(const char *symbol, void **out, const void *caller) {
  abi_object (*theirs)(void **) = (abi_object(*)(void **))symbol_cache_look_up(symbol, caller);
  abi_object status = {0};
  if (theirs)
    status = theirs(out);
  if (theirs && !status.state)
    *out = patched(*out, (void *)theirs);
  return status.state;
}

#define STATUS_FACTORY(symbol, body)                                                                         \
  ABI_BODY(body)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {           \
    (void)b, (void)c, (void)d, (void)e;                                                                      \
    *result = make(#symbol, (void **)a, __builtin_return_address(0));                                        \
  }                                                                                                          \
  ABI_ENTRY(symbol, "default", body)
STATUS_FACTORY(_ZN5arrow20jemalloc_memory_poolEPPNS_10MemoryPoolE, jemalloc_factory)
STATUS_FACTORY(_ZN5arrow20mimalloc_memory_poolEPPNS_10MemoryPoolE, mimalloc_factory)

#endif
