/* How functions answer that hand memory out. */
#ifndef ARROWPOOL_SHIM_HOOKS_ANSWERS_H
#define ARROWPOOL_SHIM_HOOKS_ANSWERS_H

#include "shim/router.h"

#include <errno.h>

static inline bool answers_is_power_of_two(size_t number) { return number && !(number & (number - 1)); }

/* Answers as the functions do that set errno. */
static inline void *answers_by_errno(void *buffer) {
  if (!buffer)
    errno = ENOMEM;
  return buffer;
}

/* Counts what the next allocator answered. */
static inline void *answers_passed_on(const router_hook *hook, void *buffer, size_t size) {
  if (hook && !hook->ours) {
    if (buffer)
      pool_note_allocated(hook->pool, (int64_t)size);
    else if (errno == ENOMEM)
      pool_note_failed(hook->pool);
  }
  return buffer;
}

#endif
