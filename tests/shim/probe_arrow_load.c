/* Loads plugins, each linked to a libarrow of its own that nobody else sees, and has them use it.
 *
 *   probe_arrow_load ours|theirs PLUGIN...      see probe_arrow.cc */
#include "probe.h"

#include <dlfcn.h>
#include <string.h>

/* Whose the call is when a jump brings it here can only be told while there is one libarrow. */
static void use(const char *file, int ours, int alone) {
  void *plugin = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  CHECK(plugin, "%s", dlerror());
  if (!plugin)
    return;
  int (*use_plugin)(int) = (int (*)(int))dlsym(plugin, "probe_arrow_use");
  void *(*ask)(void) = (void *(*)(void))dlsym(plugin, "probe_arrow_tail");
  void *(*inner)(void) = (void *(*)(void))dlsym(plugin, "_ZN10fake_arrow13inner_defaultEv");
  CHECK(use_plugin(ours) == 0, "%s", file);
  CHECK(!alone || ask() == inner(), "%s", file);
}

int main(int count, char **words) {
  for (int i = 2; i < count; i++)
    use(words[i], strcmp(words[1], "ours") == 0, count == 3);
  return probe_failures != 0;
}
