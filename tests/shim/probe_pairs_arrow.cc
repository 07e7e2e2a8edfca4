/* The same as probe_pairs.c through the virtual functions of a fake libarrow's default pool (fake_arrow.h).
 *
 *   probe_pairs_arrow COUNT */
#include "fake_arrow.h"

#include <cstdlib>

int main(int count, char **words) {
  arrow::MemoryPool *pool = arrow::default_memory_pool();
  for (long left = count == 2 ? std::atol(words[1]) : 0; left; left--) {
    uint8_t *buffer;
    if (!pool->Allocate(64, 64, &buffer).ok())
      std::abort();
    *(volatile uint8_t *)buffer = 1;
    pool->Free(buffer, 64, 64);
  }
}
