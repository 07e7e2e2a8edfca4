/* See router.h. */
#include "router.h"

#include "log.h"
#include "next.h"

#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

router the_router;

static const char *lookup(const char *variable) { return secure_getenv(variable); }

/* Warnings obey ARROW_POOL_LOG, which is read before the others. */
static void complain(const char *const pieces[], size_t count) {
  if (the_router.settings.values[OPTION_LOG].number != OPTIONS_LOG_QUIET)
    log_line(pieces, count);
}

static void set_up_door(router_pool_name name, const char *full_name, int door, pool_sight sight) {
  const options_value *values = the_router.settings.values;
  bool ours = values[OPTION_POOL].number == OPTIONS_POOL_JEMALLOC;
  /* Of libc's functions in system mode only the requests are seen. */
  pool_basis basis = !ours && sight == POOL_SEES_OWN ? POOL_TOLD : POOL_REMEMBERED;
  pool_config config = {ours ? &backend_jemalloc : &backend_system, basis, sight};
  router_door *d = &the_router.doors[name];
  d->ours = ours;
  d->open = pool_create(full_name, config, &d->pool) == ARROWPOOL_OK && (values[OPTION_DOORS].number & door);
}

bool router_wake(void) {
  int asleep = 0;
  if (!environ || !atomic_compare_exchange_strong(&the_router.state, &asleep, 1))
    return false;
  next_resolve_optional();
  options *settings = &the_router.settings;
  options_read(settings, lookup, complain);
  if (!getauxval(AT_SECURE))
    options_check_names(environ, complain);
  set_up_door(ROUTER_LIBC, "libc", OPTIONS_DOOR_LIBC, POOL_SEES_OWN);
  set_up_door(ROUTER_ARROW_MIMALLOC, "arrow.mimalloc", OPTIONS_DOOR_ARROW_MI, POOL_SEES_ALL);
  if (settings->values[OPTION_POOL].given && settings->values[OPTION_POOL].number == OPTIONS_POOL_SYSTEM)
    arrowpool_set_default(arrowpool_system());
  atomic_store_explicit(&the_router.state, 2, memory_order_release);
  return true;
}
