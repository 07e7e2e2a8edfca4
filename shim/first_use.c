/* Writes the line of the first use (first_use.h), from within whatever call that was. */
#include "shim/first_use.h"

#include "base/writer.h"
#include "counters/limits.h"
#include "shim/router.h"

#include <errno.h>
#include <unistd.h>

#define SERVED_BY_OURS   "served by our jemalloc"
#define SERVED_BY_BEHIND "counted, and served by the allocator behind us"

static const char *arrow_is(void) {
  bool ours = the_router.settings.values[OPTION_POOL].number == OPTIONS_POOL_JEMALLOC;
  bool pools = ABI_KNOWN && the_router.settings.values[OPTION_HOOKS].number & OPTIONS_HOOK_ARROW_VTABLE;
  if (!pools && !the_router.hooks[ROUTER_ARROW_MIMALLOC].active)
    return "left alone";
  return ours ? SERVED_BY_OURS : SERVED_BY_BEHIND;
}

static const char *libc_is(void) {
  const router_hook *hook = &the_router.hooks[ROUTER_LIBC];
  if (!hook->active) /* what was installed later has no pool for it */
    return "left alone";
  return pool_get_config(hook->pool)->backend == &backend_jemalloc ? SERVED_BY_OURS : SERVED_BY_BEHIND;
}

static void tell(unsigned pool) {
  char text[320] = "";
  const options_value *limit = &the_router.settings.values[OPTION_LIMIT];
  writer w;
  writer_init(&w, writer_keep, &(writer_kept){text, sizeof text, 0});
  writer_print(
      &w, ARROWPOOL_VERSION " is in use in %s (process %ld), first by the pool %s: Arrow's pools are %s",
      program_invocation_short_name, (int64_t)getpid(), pool_name(pool_built_in((int)pool)), arrow_is());
  writer_print(&w, "; libc's aligned functions are %s", libc_is());
  if (limit->given)
    writer_print(&w, "; together at most %s", SIZE_TEXT(limits_of_all()));
  writer_finish(&w);
  router_inform(PIECES(text));
}

void first_use_watch(void) {
  if (the_router.settings.values[OPTION_LOG].number == OPTIONS_LOG_INFO)
    atomic_store(&counters_on_first_event, tell);
}
