/* All backends, and what is tried once more when one of them has no memory. */
#include "backend.h"

const backend *const backends[] = {
    [ARROWPOOL_BACKEND_JEMALLOC] = &backend_jemalloc, [ARROWPOOL_BACKEND_SYSTEM] = &backend_system};

__attribute__((cold)) void *backend_allocate_again(const backend *b, size_t size, size_t alignment) {
  b->release_unused();
  return b->allocate(size, alignment);
}

void *backend_reallocate(const backend *b, void *buffer, size_t old_size, size_t new_size, size_t alignment,
                         backend_resize *how) {
  void *resized = b->reallocate(buffer, old_size, new_size, alignment, how);
  if (!resized) {
    b->release_unused();
    resized = b->reallocate(buffer, old_size, new_size, alignment, how);
  }
  return resized;
}
