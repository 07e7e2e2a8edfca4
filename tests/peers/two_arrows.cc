/* Two versions of libarrow in one process. With -DPLUGIN this is a library that is linked to one of them;
 * without, a program that loads two such libraries and lets them use their pools in turns: two_arrows PLUGIN
 * PLUGIN. Prints what each libarrow says of its pools. */
#ifdef PLUGIN
#include "arrow_pools.h"

static const int64_t sizes[] = {1000, 70000, 3000000};
static uint8_t *held[4][3];

/* The pools there are; the default one is one of them. */
static int find_pools(arrow::MemoryPool *pools[4]) {
  int count = 0;
  pools[count++] = arrow::default_memory_pool();
  pools[count++] = arrow::system_memory_pool();
  if (arrow::jemalloc_memory_pool(&pools[count]).ok())
    count++;
  if (arrow::mimalloc_memory_pool(&pools[count]).ok())
    count++;
  return count;
}

extern "C" void begin_use() {
  arrow::MemoryPool *pools[4];
  int count = find_pools(pools);
  for (int p = 0; p < count; p++)
    for (int i = 0; i < 3; i++) {
      int64_t size = sizes[i];
      CHECK(Allocate(pools[p], size, 64, &held[p][i]).ok());
      Fill(held[p][i], size, uint64_t(p + i));
      ResizeTo(pools[p], &size, 4 * size, 64, &held[p][i], uint64_t(p + i));
    }
}

extern "C" void end_use() {
  arrow::MemoryPool *pools[4];
  int count = find_pools(pools);
  for (int p = 0; p < count; p++) {
    PrintFigures(std::to_string(ARROW_VERSION_MAJOR).c_str(), pools[p]);
    for (int i = 0; i < 3; i++) {
      CHECK(Holds(held[p][i], 4 * sizes[i], uint64_t(p + i)));
      Free(pools[p], held[p][i], 4 * sizes[i], 64);
    }
    PrintFigures(std::to_string(ARROW_VERSION_MAJOR).c_str(), pools[p]);
  }
}
#else
#include <cstdio>
#include <dlfcn.h>
#include <initializer_list>

int main(int argc, char **argv) {
  typedef void (*function)();
  void *plugins[2];
  for (int i = 0; i < 2; i++)
    if (argc != 3 || !(plugins[i] = dlopen(argv[i + 1], RTLD_NOW | RTLD_LOCAL))) {
      std::fprintf(stderr, "%s\n", argc == 3 ? dlerror() : "two plugins");
      return 2;
    }
  for (int round = 0; round < 3; round++)
    for (const char *name : {"begin_use", "end_use"})
      for (int i = 0; i < 2; i++)
        reinterpret_cast<function>(dlsym(plugins[i], name))();
  return 0;
}
#endif
