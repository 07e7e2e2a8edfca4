/* Loads fake libarrows (fake_tasks.h), patches the thread pools of each without a shim, gives each a task as
 * number 5, and prints the protection of the table of virtual functions, what came of it, and what the task
 * knew.
 *
 *   probe_tasks_load LIBRARY... */
#include "probe.h"
#include "probe_tasks.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

#include <dlfcn.h>

namespace {

thread_local uint32_t current;
std::atomic<int> given{0}, told{0};

uint32_t origin_here() { return 5; }
uint32_t *get_current() { return &current; }
void count(bool is_told) {
  given++;
  told += is_told;
}
const arrow_tasks_callbacks callbacks = {origin_here, get_current, count};

/* Returns the protection at that address, as the kernel tells it. */
std::string protection(const void *address) {
  std::FILE *maps = std::fopen("/proc/self/maps", "re");
  char line[512], found[5] = "";
  while (maps && std::fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    char seen[5];
    if (std::sscanf(line, "%lx-%lx %4s", &from, &to, seen) == 3 && uintptr_t(address) >= from &&
        uintptr_t(address) < to)
      std::strcpy(found, seen);
  }
  if (maps)
    std::fclose(maps);
  return found;
}

void note_current(void *out) { *static_cast<uint32_t *>(out) = current; }

void load(const char *file) {
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  CHECK(library, "%s", dlerror());
  if (!library)
    return;
  auto run = reinterpret_cast<void (*)(void (*)(void *), void *)>(dlsym(library, "fake_tasks_run"));
  auto table = reinterpret_cast<void *(*)()>(dlsym(library, "fake_tasks_table"));
  std::string before = table ? protection(table()) : "none";
  const char *reason = arrow_tasks_patch(library, &callbacks);
  std::printf("%s: %s", before.c_str(), reason ? reason : "patched");
  if (run) {
    uint32_t seen = 4711;
    given = told = 0;
    CHECK(protection(table()) == before, "%s before", before.c_str());
    run(note_current, &seen);
    std::printf("; given %d, told %d, seen %u", given.load(), told.load(), seen);
  }
  std::puts("");
}

} // namespace

extern "C" void *probe_tasks_malloc(size_t size) { return std::malloc(size); }

int main(int count, char **words) {
  for (int i = 1; i < count; i++)
    load(words[i]);
  return probe_failures != 0;
}
