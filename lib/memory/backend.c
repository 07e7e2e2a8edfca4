/* Lists all backends, and tries once more when one of them has no memory. */
#include "memory/backend.h"

#include <sys/resource.h>

const backend *const backends[] = {
    [ARROWPOOL_BACKEND_JEMALLOC] = &backend_jemalloc, [ARROWPOOL_BACKEND_SYSTEM] = &backend_system};

/* Returns whether a request cannot be met, whatever is given back. */
static bool is_hopeless(size_t size) {
  struct rlimit limit;
  return size >= BACKEND_TOO_LARGE ||
         (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur);
}

__attribute__((cold)) void *backend_allocate_again(const backend *b, size_t size, size_t alignment) {
  if (is_hopeless(size))
    return NULL;
  b->release_unused();
  return b->allocate(size, alignment);
}

void *backend_reallocate(const backend *b, void *buffer, size_t old_size, size_t new_size, size_t alignment,
                         backend_resize *how) {
  void *resized = b->reallocate(buffer, old_size, new_size, alignment, how);
  if (!resized && !is_hopeless(new_size)) {
    b->release_unused();
    resized = b->reallocate(buffer, old_size, new_size, alignment, how);
  }
  return resized;
}
