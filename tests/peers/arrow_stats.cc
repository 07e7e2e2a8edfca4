/* What libarrow says of the jemalloc behind its jemalloc pool follows what the pool allocates, as Arrow's own
 * test of it expects. Compiled by arrow_cpp.bats against the headers and the libarrow of each wheel. */
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      std::fprintf(stderr, "%d: %s\n", __LINE__, #condition);                                                \
      std::exit(1);                                                                                          \
    }                                                                                                        \
  } while (0)

static int64_t Figure(const char *name) {
  auto figure = arrow::jemalloc_get_stat(name);
  if (!figure.ok())
    std::fprintf(stderr, "%s: %s\n", name, figure.status().ToString().c_str());
  CHECK(figure.ok());
  return *figure;
}

int main() {
  static const char *const names[] = {"stats.allocated",   "stats.active", "stats.metadata",
                                      "stats.resident",    "stats.mapped", "thread.allocated",
                                      "thread.deallocated"};
  arrow::MemoryPool *pool = nullptr;
  if (!arrow::jemalloc_memory_pool(&pool).ok())
    return 77;
  uint8_t *warm = nullptr, *large = nullptr, *small = nullptr;
  CHECK(pool->Allocate(1025, &warm).ok()); /* each figure is there from now on */
  int64_t before[7], after[7];
  for (int i = 0; i < 7; i++)
    before[i] = Figure(names[i]);
  CHECK(pool->Allocate(40 << 20, &large).ok());
  std::memset(large, 1, 40 << 20);
  CHECK(pool->Reallocate(40 << 20, 10 << 20, &large).ok());
  CHECK(pool->Allocate(1025, &small).ok() && pool->Reallocate(1025, 1023, &small).ok());
  for (int i = 0; i < 7; i++)
    after[i] = Figure(names[i]);
  for (int i = 0; i < 5; i++)
    CHECK(after[i] >= before[i] + (i == 2 ? 0 : 10 << 20));
  CHECK(after[5] - before[5] >= 40 << 20 && after[6] - before[6] >= 30 << 20);
  CHECK(arrow::jemalloc_peak_reset().ok());
  int64_t least = Figure("thread.peak.read");
  uint8_t *more = nullptr;
  CHECK(pool->Allocate(12560, &more).ok());
  int64_t peak = Figure("thread.peak.read");
  CHECK(peak - least >= 12560 && peak - least < 20000);
  CHECK(arrow::jemalloc_peak_reset().ok() && Figure("thread.peak.read") - least < 5000);
  CHECK(!arrow::jemalloc_get_stat("no.such.figure").ok());
  CHECK(arrow::jemalloc_set_decay_ms(1000).ok());
  pool->Free(more, 12560);
  pool->Free(small, 1023);
  pool->Free(large, 10 << 20);
  pool->Free(warm, 1025);
  CHECK(Figure("stats.allocated") < after[0] - (9 << 20));
  std::puts("as allocated");
}
