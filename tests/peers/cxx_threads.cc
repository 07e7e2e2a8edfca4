/* Eight threads on two pools of arrowpool::MemoryPool, one of them limited, verified: they allocate, resize
 * and free each other's buffers, of which some are Arrow's own objects. Compiled by cxx_pool.bats.
 *
 *   cxx_threads OPERATIONS
 *
 * Ends the process at the first mismatch, else says how many requests the limit refused. */
#include "arrow_pools.h"

#include <arrowpool/arrow.hpp>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr int kThreads = 8;
constexpr int64_t kLimit = 48 << 20;

struct Item {
  std::shared_ptr<arrow::ResizableBuffer> buffer;
  uint64_t tag = 0;
};

Item shared_items[32];
std::mutex locks[32];
std::atomic<long long> refused{0};

void Work(arrow::MemoryPool *pools[2], int index, int operations) {
  std::mt19937_64 random(uint64_t(index) + 1);
  std::vector<Item> items(12);
  for (int i = 0; i < operations; i++) {
    Item &item = items[random() % items.size()];
    int64_t size = int64_t(random() >> (40 + random() % 20)) % (8 << 20);
    if (item.buffer)
      CHECK(Holds(item.buffer->data(), item.buffer->size(), item.tag));
    if (random() % 8 == 0) { /* whoever comes here next frees or resizes it */
      size_t place = random() % 32;
      std::lock_guard<std::mutex> guard(locks[place]);
      std::swap(item, shared_items[place]);
    } else if (!item.buffer) {
      auto made = arrow::AllocateResizableBuffer(size, pools[random() % 2]);
      if (!made.ok()) {
        CHECK(made.status().IsOutOfMemory());
        refused++;
        continue;
      }
      item = {std::move(*made), random()};
      Fill(item.buffer->mutable_data(), size, item.tag);
    } else if (random() % 3 == 0) {
      item.buffer.reset();
    } else {
      int64_t kept = std::min(size, item.buffer->size());
      arrow::Status status = item.buffer->Resize(size);
      if (!status.ok()) {
        CHECK(status.IsOutOfMemory() && Holds(item.buffer->data(), item.buffer->size(), item.tag));
        refused++;
        continue;
      }
      CHECK(Holds(item.buffer->data(), kept, item.tag));
      Fill(item.buffer->mutable_data(), size, item.tag);
    }
  }
}

} // namespace

int main(int, char **arguments) {
  int operations = std::atoi(arguments[1]);
  CHECK(operations > 0);
  arrowpool::Options options;
  options.limit_bytes = kLimit;
  auto open = arrowpool::MemoryPool::Make("open").ValueOrDie();
  auto capped = arrowpool::MemoryPool::Make("capped", options).ValueOrDie();
  arrow::MemoryPool *pools[] = {open.get(), capped.get()};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++)
    threads.emplace_back(Work, pools, i, operations);
  for (std::thread &thread : threads)
    thread.join();
  for (Item &item : shared_items)
    item.buffer.reset();
  CHECK(open->bytes_allocated() == 0 && capped->bytes_allocated() == 0);
  CHECK(capped->max_memory() <= kLimit && capped->stats().num_failed == refused);
  CHECK(open->max_memory() > kLimit && open->stats().reallocs_in_place > 0);
  std::printf("refused: %lld\n", refused.load());
}
