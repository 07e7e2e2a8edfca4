/* A user's C++ program: containers on a pool, whose memory stays live. Built by install.bats. */
#include <arrowpool/allocator.hpp>
#include <arrowpool/memory_resource.hpp>

#include <cstdio>
#include <vector>

int main() {
  arrowpool_pool *pool;
  if (arrowpool_create("use", nullptr, &pool) != ARROWPOOL_OK)
    return 1;
  static arrowpool::memory_resource resource(pool);
  auto &numbers = *new std::pmr::vector<char>(40000, 'x', &resource);
  auto &others =
      *new std::vector<char, arrowpool::allocator<char>>(50000, 'y', arrowpool::allocator<char>(pool));
  std::printf("C++ %s %c\n", arrowpool_version(), numbers[39999] + others[49999] - 'x');
}
