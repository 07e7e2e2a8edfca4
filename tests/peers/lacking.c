/* A libarrow that was built without jemalloc, as far as its factory shows: a Status that is not OK, and no
 * pool. On x86-64 a Status comes back through a hidden first argument, and is one pointer. */
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void *_ZN5arrow20jemalloc_memory_poolEPPNS_10MemoryPoolE(void **status, void **out);
EXPORT uintptr_t ask(void **out);

void *_ZN5arrow20jemalloc_memory_poolEPPNS_10MemoryPoolE(void **status, void **out) {
  (void)out;
  *status = (void *)(uintptr_t)0xdead;
  return status;
}

/* As any of libarrow's own functions does, by way of what the process resolves the name to. */
uintptr_t ask(void **out) {
  void *status = 0;
  _ZN5arrow20jemalloc_memory_poolEPPNS_10MemoryPoolE(&status, out);
  return (uintptr_t)status;
}
