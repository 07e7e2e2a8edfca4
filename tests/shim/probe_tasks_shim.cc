/* Gives a task each to the pools of fake libarrows (fake_tasks.h), under a shim that watches them
 * (tasks_told.c), and prints what the tasks know.
 *
 *   probe_tasks_shim                    the one that it is linked to
 *   probe_tasks_shim_load LIBRARY...    those that it loads, in nobody else's view
 *
 * Without the shim, or if nothing is watched, the tables of virtual functions are what they were. */
#include "fake_tasks.h"
#include "probe.h"

#include <cstring>
#include <string>

#include <dlfcn.h>

namespace {

template <typename F> F told(const char *name) {
  return reinterpret_cast<F>(dlsym(RTLD_DEFAULT, (std::string("tasks_told_") + name).c_str()));
}

void note(void *out) {
  auto here = told<uint32_t (*)()>("here");
  *static_cast<uint32_t *>(out) = here ? here() : 0;
}

/* How many of the functions in a table of ThreadPool are the shim's. */
int count_patched(void **table) {
  Dl_info info;
  int patched = 0;
  for (int i = 0; i < 7; i++)
    patched += dladdr(table[i], &info) && std::strstr(info.dli_fname, "arrowpool_preload");
  return patched;
}

void use(const char *what, void (*run)(void (*)(void *), void *), void *(*table)()) {
  uint32_t seen = 0;
  run(note, &seen);
  std::printf("%s: seen %u, patched %d\n", what, seen, count_patched(static_cast<void **>(table())));
}

} // namespace

int main(int count, char **words) {
  auto as = told<void (*)(uint32_t)>("as");
  auto counts = told<void (*)(int64_t *)>("counts");
  if (as)
    as(5);
#ifndef LOADS
  use("linked", fake_tasks_run, fake_tasks_table);
  if (auto start = told<void (*)()>("start")) { /* once more changes nothing */
    start();
    use("linked", fake_tasks_run, fake_tasks_table);
  }
#endif
  for (int i = 1; i < count; i++) {
    void *library = dlopen(words[i], RTLD_NOW | RTLD_LOCAL);
    CHECK(library, "%s", dlerror());
    if (library)
      use("loaded", reinterpret_cast<void (*)(void (*)(void *), void *)>(dlsym(library, "fake_tasks_run")),
          reinterpret_cast<void *(*)()>(dlsym(library, "fake_tasks_table")));
  }
  int64_t sums[2] = {0, 0};
  if (counts)
    counts(sums);
  std::printf("given %lld, told %lld\n", (long long)sums[0], (long long)sums[1]);
  return probe_failures != 0;
}
