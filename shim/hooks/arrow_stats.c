/* The rest of the arrow_vtable hook: it answers what libarrow says of the jemalloc behind its jemalloc pool.
 *
 * Where ours serves that pool, the figures are those of both jemallocs, as the pool's own figures are: the
 * original holds what was there before the patch. Ours has what all its pools hold, whichever ask. Any other
 * name is a question about the original's settings, and goes there alone; so does every error. */
#include "arrow/abi.h"

#if ABI_KNOWN
#include "shim/arrow_patch.h"
#include "shim/router.h"
#include "shim/symbol_cache.h"

#include <string.h>

#define UNUSED (void)b, (void)c, (void)d, (void)e

static bool is_figure(const char *name) {
  static const char *const stats[] = {"stats.allocated",  "stats.active",       "stats.metadata",
                                      "stats.resident",   "stats.mapped",       "stats.retained",
                                      "thread.allocated", "thread.deallocated", "thread.peak.read"};
  for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
    if (strcmp(name, stats[i]) == 0)
      return true;
  return false;
}

static bool hook_arrow_stats_is_ours(const void *theirs) {
  return router_vtable_hook() && arrow_patch_is_served(theirs, "arrow.jemalloc", &backend_jemalloc);
}

/* A result is a status, and behind it, where that is a success, the number. */
ABI_BODY(get_stat)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {
  const char *name = (const char *)a;
  abi_object (*theirs)(const char *) = (abi_object(*)(const char *))symbol_cache_look_up(
      "_ZN5arrow17jemalloc_get_statEPKc", __builtin_return_address(0));
  abi_object answer = {0};
  int64_t ours = 0;
  UNUSED;
  if (theirs)
    answer = theirs(name);
  result[0] = answer.state;
  if (answer.state)
    return;
  if (is_figure(name) && hook_arrow_stats_is_ours((const void *)theirs))
    backend_jemalloc_ask(name, &ours);
  result[1] = (void *)((uintptr_t)answer.unused[0] + (uintptr_t)ours);
}
ABI_ENTRY(_ZN5arrow17jemalloc_get_statEPKc, "default", get_stat)

ABI_BODY(reset_peak)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {
  abi_object (*theirs)(void) = (abi_object(*)(void))symbol_cache_look_up("_ZN5arrow19jemalloc_peak_resetEv",
                                                                         __builtin_return_address(0));
  abi_object status = {0};
  (void)a, UNUSED;
  if (theirs)
    status = theirs();
  if (hook_arrow_stats_is_ours((const void *)theirs))
    backend_jemalloc_ask("thread.peak.reset", NULL);
  result[0] = status.state;
}
ABI_ENTRY(_ZN5arrow19jemalloc_peak_resetEv, "default", reset_peak)

#endif
