/* Answers the hooks: which pool serves, by what was set up at the start (start.c), and what is told to the
 * user. */
#include "shim/router.h"

#include "shim/log.h"

#include <string.h>

router the_router;

/* Warnings obey ARROW_POOL_LOG, which is read before the others. */
void router_warn(const char *const pieces[], size_t count) {
  if (the_router.settings.values[OPTION_LOG].number != OPTIONS_LOG_QUIET)
    log_line(pieces, count);
}

void router_tell(const char *line) {
  if (the_router.settings.values[OPTION_LOG].number != OPTIONS_LOG_QUIET)
    log_whole(line, strlen(line));
}

void router_inform(const char *const pieces[], size_t count) {
  if (the_router.settings.values[OPTION_LOG].number == OPTIONS_LOG_INFO)
    log_line(pieces, count);
}

const backend *router_told_backend(bool separate_jemalloc) {
  bool ours = the_router.settings.values[OPTION_POOL].number == OPTIONS_POOL_JEMALLOC;
  return ours || separate_jemalloc ? &backend_jemalloc : &backend_system;
}

/* Returns a status as a pointer. What is too large for the pool to consider was a request all the same. */
static void *result(arrowpool_pool *pool, arrowpool_status status, void *buffer, size_t size) {
  if (status == ARROWPOOL_INVALID && size > PTRDIFF_MAX / 2)
    pool_note_failed(pool);
  return status == ARROWPOOL_OK ? buffer : NULL;
}

/* Sizes beyond what an int64_t holds come out negative, and the pool refuses them. */
void *router_allocate_slowly(const router_hook *hook, size_t size, size_t alignment) {
  void *buffer = NULL;
  arrowpool_status status = pool_allocate(hook->pool, size ? (int64_t)size : 1, (int64_t)alignment, &buffer);
  return result(hook->pool, status, buffer, size);
}

void *router_reallocate(arrowpool_pool *pool, void *buffer, size_t size, size_t alignment) {
  arrowpool_status status =
      pool_reallocate(pool, POOL_SIZE_UNKNOWN, size ? (int64_t)size : 1, (int64_t)alignment, &buffer);
  return result(pool, status, buffer, size);
}
