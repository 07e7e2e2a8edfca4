/* Standard containers on a pool of their own: what a growing vector takes. */
#include <arrowpool/allocator.hpp>
#include <arrowpool/memory_resource.hpp>

#include <cstdio>
#include <string>
#include <vector>

int main() {
  arrowpool_pool *pool;
  if (arrowpool_create("containers", nullptr, &pool) != ARROWPOOL_OK)
    return 1;
  auto print = [pool](const char *when) {
    arrowpool_stats stats{};
    stats.struct_size = sizeof stats;
    arrowpool_get_stats(pool, &stats);
    std::printf("%-28s %9lld bytes live, peak %9lld, %2lld allocations\n", when,
                (long long)stats.bytes_allocated, (long long)stats.max_memory,
                (long long)stats.num_allocations);
  };
  {
    arrowpool::memory_resource resource(pool);
    std::pmr::vector<int> numbers(&resource);
    for (int i = 0; i < 1000000; i++)
      numbers.push_back(i);
    print("a pmr vector that grew");
  }
  {
    std::vector<int, arrowpool::allocator<int>> numbers{arrowpool::allocator<int>(pool)};
    numbers.reserve(1000000);
    for (int i = 0; i < 1000000; i++)
      numbers.push_back(i);
    print("a vector that was reserved");
  }
  print("both gone");
  arrowpool_destroy(pool);
}
