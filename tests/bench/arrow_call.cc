/* What one call through Arrow's virtual functions costs: Allocate and Free of small buffers, by the wheel's
 * own pools and, when preloaded, by ours. Each process measures every pool once for each size and prints
 *
 *   SIZE POOL NANOSECONDS      of a pair, the fastest of many rounds
 *
 * Stock and shim are separate processes, so run them in turns and take the minimum over all:
 *
 *     wheel=$(.venv/bin/python -c 'import pyarrow; print(pyarrow.get_library_dirs()[0])')
 *     g++ -std=c++20 -O2 -I$wheel/include tests/bench/arrow_call.cc -o build/arrow_call $wheel/libarrow.so.*
 *
 * with LD_LIBRARY_PATH=$wheel `build/arrow_call stock`, and with the shim preloaded `build/arrow_call ours`;
 * then
 *
 *     sort -k1,1n -k2,3 -k4,4n | sort -u -k1,1n -k2,3
 */
#include <arrow/memory_pool.h>
#include <arrow/status.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kRounds = 200, kPairs = 2000, kLive = 8;

/* ns for a pair; a few buffers are live at any time, as in a program. */
double Measure(arrow::MemoryPool *pool, int64_t size) {
  using Clock = std::chrono::steady_clock;
  uint8_t *buffers[kLive];
  double least = 1e9;
  for (auto &buffer : buffers)
    if (!pool->Allocate(size, &buffer).ok())
      std::abort();
  for (int round = 0; round < kRounds; round++) {
    auto start = Clock::now();
    for (int i = 0; i < kPairs; i++) {
      uint8_t *&buffer = buffers[i % kLive];
      pool->Free(buffer, size);
      if (!pool->Allocate(size, &buffer).ok())
        std::abort();
    }
    std::chrono::duration<double, std::nano> taken = Clock::now() - start;
    least = taken.count() / kPairs < least ? taken.count() / kPairs : least;
  }
  for (auto buffer : buffers)
    pool->Free(buffer, size);
  return least;
}

} // namespace

int main(int count, char **words) {
  arrow::MemoryPool *pools[3] = {arrow::default_memory_pool(), arrow::system_memory_pool(), nullptr};
  int pool_count = arrow::jemalloc_memory_pool(&pools[2]).ok() ? 3 : 2;
  for (int64_t size = 64; size <= 4096; size *= 4)
    for (int i = 0; i < pool_count; i++)
      std::printf("%5lld %-8s %-8s %6.1f\n", (long long)size, count > 1 ? words[1] : "",
                  pools[i]->backend_name().c_str(), Measure(pools[i], size));
}
