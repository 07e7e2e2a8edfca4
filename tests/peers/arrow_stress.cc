/* Stress through a pool of a real libarrow's, verified: threads allocate, resize and free each other's
 * buffers, check what is in them, and fork meanwhile. Compiled by arrow_cpp.bats.
 *
 *   arrow_stress SECONDS
 *
 * Ends the process at the first mismatch, else says how much it did on stderr. */
#include "arrow_pools.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace {

struct Item {
  uint8_t *buffer = nullptr;
  int64_t size = 0;
  uint64_t tag = 0;
};

constexpr int kThreads = 5;
Item shared_items[64];
std::mutex locks[64];
std::atomic<bool> over{false};
std::atomic<long long> operations{0};

void StressThread(arrow::MemoryPool *pool, int index) {
  std::mt19937_64 random(uint64_t(index) + 1);
  std::vector<Item> items(16);
  while (!over) {
    Item &item = items[random() % items.size()];
    int64_t size = int64_t(random() >> (40 + random() % 20)) % (8 << 20) + 1;
    switch (random() % 8) {
    case 0: { /* whoever comes here next frees or resizes it */
      size_t place = random() % 64;
      std::lock_guard<std::mutex> guard(locks[place]);
      std::swap(item, shared_items[place]);
      break;
    }
    case 1:
      if (random() % 200 == 0 && index == 0) {
        pid_t child = fork();
        if (child == 0) {
          alarm(600);
          for (Item &i : items)
            if (i.buffer) {
              CHECK(Holds(i.buffer, i.size, i.tag));
              ResizeTo(pool, &i.size, i.size * 2, 64, &i.buffer, i.tag);
              Free(pool, i.buffer, i.size, 64);
            }
          _exit(0);
        }
        int status;
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
      }
      break;
    default:
      if (!item.buffer) {
        item.size = size;
        item.tag = random();
        CHECK(Allocate(pool, size, 64, &item.buffer).ok() && uintptr_t(item.buffer) % 64 == 0);
        Fill(item.buffer, size, item.tag);
      } else if (random() % 3) {
        CHECK(Holds(item.buffer, item.size, item.tag));
        ResizeTo(pool, &item.size, size, 64, &item.buffer, item.tag);
      } else {
        CHECK(Holds(item.buffer, item.size, item.tag));
        Free(pool, item.buffer, item.size, 64);
        item = Item();
      }
    }
    operations++;
  }
  for (Item &item : items)
    if (item.buffer)
      Free(pool, item.buffer, item.size, 64);
}

void Stress(int seconds) {
  auto pool = arrow::default_memory_pool();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++)
    threads.emplace_back(StressThread, pool, t);
  std::this_thread::sleep_for(std::chrono::seconds(seconds)); /* how long it runs, nothing else */
  over = true;
  for (auto &thread : threads)
    thread.join();
  for (Item &item : shared_items)
    if (item.buffer) {
      CHECK(Holds(item.buffer, item.size, item.tag));
      Free(pool, item.buffer, item.size, 64);
    }
  CHECK(pool->bytes_allocated() == 0 && operations > 1000);
  std::fprintf(stderr, "%lld operations\n", (long long)operations);
}
} // namespace

int main(int count, char **words) {
  if (count != 2)
    return 2;
  Stress(std::atoi(words[1]));
}
