/* A C++ program that uses libarrow's memory pools, without Python. Compiled by arrow_cpp.bats against the
 * headers and the libarrow of each wheel. What it prints must be the same with the shim and without.
 *
 *   arrow_cpp figures    one thread; the pools' figures after every step
 *   arrow_cpp early      a buffer that was there before the first factory was called
 *   arrow_cpp late       buffers that are resized and freed after main, and after libarrow's destructors
 *   arrow_cpp threads    eight threads that come to the pools at once
 *   arrow_cpp fork       a child that goes on with its parent's buffers */
#include "arrow_pools.h"

#include <atomic>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace {

/* ---- figures ---- */

void AllSizes(arrow::MemoryPool *pool) {
  const int64_t sizes[] = {63, 64, 65, 4096, 70000, 1 << 20, (1 << 20) + 1, 40 << 20, 300000, 4095, 1};
  for (int64_t alignment = 64; alignment <= (kAligned ? 4096 : 64); alignment *= 4) {
    int64_t size = 100;
    uint8_t *buffer = nullptr, *nothing = nullptr;
    CHECK(Allocate(pool, size, alignment, &buffer).ok() && uintptr_t(buffer) % uintptr_t(alignment) == 0);
    Fill(buffer, size, 1);
    for (int64_t next : sizes) {
      ResizeTo(pool, &size, next, alignment, &buffer, 1);
      PrintFigures("resized", pool);
    }
    CHECK(Reallocate(pool, size, 0, alignment, &buffer).ok() && buffer);
    PrintFigures("to nothing", pool);
    CHECK(Allocate(pool, 0, alignment, &nothing).ok() && nothing == buffer);
    Free(pool, nothing, 0, alignment);
    CHECK(Reallocate(pool, 0, 640, alignment, &buffer).ok());
    Fill(buffer, 640, 1);
    PrintFigures("from nothing", pool);
    Free(pool, buffer, 640, alignment);
    PrintFigures("freed", pool);
  }
}

void Impossible(arrow::MemoryPool *pool) {
  uint8_t *buffer = nullptr;
  CHECK(Allocate(pool, 1000, 64, &buffer).ok());
  uint8_t *before = buffer, *none = nullptr;
  Fill(buffer, 1000, 2);
  for (int64_t size : {int64_t(-1), INT64_MIN, int64_t(1) << 60, INT64_MAX - 63, INT64_MAX}) {
    std::printf("%s\n", Allocate(pool, size, 64, &none).CodeAsString().c_str());
    std::printf("%s\n", Reallocate(pool, 1000, size, 64, &buffer).CodeAsString().c_str());
    CHECK(buffer == before && Holds(buffer, 1000, 2));
    PrintFigures("refused", pool);
  }
  Free(pool, buffer, 1000, 64);
}

/* A pool of the program's own, on top of another. */
class Subclass : public arrow::MemoryPool {
public:
  explicit Subclass(arrow::MemoryPool *pool) : pool_(pool) {}
  arrow::Status Allocate(int64_t size ALIGNMENT, uint8_t **out) override {
    calls++;
    return pool_->Allocate(size HANDED_ON, out);
  }
  arrow::Status Reallocate(int64_t old_size, int64_t new_size ALIGNMENT, uint8_t **buffer) override {
    calls++;
    return pool_->Reallocate(old_size, new_size HANDED_ON, buffer);
  }
  void Free(uint8_t *buffer, int64_t size ALIGNMENT) override {
    calls++;
    pool_->Free(buffer, size HANDED_ON);
  }
  int64_t bytes_allocated() const override { return 11; }
  int64_t max_memory() const override { return 12; }
#if ARROW_VERSION_MAJOR > 11
  int64_t total_bytes_allocated() const override { return 13; }
  int64_t num_allocations() const override { return 14; }
#endif
  std::string backend_name() const override { return "mimalloc"; }
  int calls = 0;

private:
  arrow::MemoryPool *pool_;
};

void UseBuffer(const char *step, arrow::MemoryPool *pool) {
  auto buffer = arrow::AllocateResizableBuffer(1000, pool).ValueOrDie();
  CHECK(buffer->Resize(100000).ok());
  Fill(buffer->mutable_data(), 100000, 3);
  CHECK(buffer->Resize(5000000).ok() && Holds(buffer->data(), 100000, 3));
  PrintFigures(step, pool);
  CHECK(buffer->Resize(10, true).ok() && Holds(buffer->data(), 10, 3));
  PrintFigures(step, pool);
}

void Figures() {
  std::vector<arrow::MemoryPool *> pools = {arrow::default_memory_pool(), arrow::system_memory_pool()};
  arrow::MemoryPool *pool = nullptr;
  for (auto factory : {arrow::jemalloc_memory_pool, arrow::mimalloc_memory_pool})
    if (factory(&pool).ok() && pool != pools[0])
      pools.push_back(pool);
  for (auto p : pools) {
    CHECK(p == pools[0] || p != arrow::default_memory_pool());
    AllSizes(p);
    Impossible(p);
    p->ReleaseUnused();
    PrintFigures("in the end", p);
  }
  arrow::ProxyMemoryPool proxy(pools[0]);
  AllSizes(&proxy);
  Impossible(&proxy);
  UseBuffer("proxy", &proxy);
  Subclass own(pools[0]);
  UseBuffer("subclass", &own);
  std::printf("calls of the subclass: %d\n", own.calls);
  PrintFigures("default", pools[0]);
  auto created = arrow::MemoryPool::CreateDefault();
  AllSizes(created.get());
  UseBuffer("created", created.get());
  PrintFigures("default", pools[0]);
}

/* ---- buffers older than the patch, or younger than main ---- */

void Early() {
  auto buffer = arrow::AllocateResizableBuffer(100000, nullptr).ValueOrDie();
  Fill(buffer->mutable_data(), 100000, 4);
  auto freed = arrow::AllocateResizableBuffer(70000, nullptr).ValueOrDie();
  auto pool = arrow::default_memory_pool();
  PrintFigures("asked", pool);
  freed.reset();
  PrintFigures("freed", pool);
  UseBuffer("another", pool);
  CHECK(Holds(buffer->data(), 100000, 4) && buffer->Resize(3000000).ok());
  CHECK(Holds(buffer->data(), 100000, 4));
  Fill(buffer->mutable_data(), 3000000, 4);
  int64_t live = pool->bytes_allocated();
  CHECK(buffer->Resize(100, true).ok() && Holds(buffer->data(), 100, 4));
  CHECK(pool->max_memory() >= live); /* may be too high by what the old buffer grew */
  std::printf("grown: %lld, shrunk: %lld\n", (long long)live, (long long)pool->bytes_allocated());
  buffer.reset();
  std::printf("gone: %lld\n", (long long)pool->bytes_allocated());
}

std::vector<std::shared_ptr<arrow::ResizableBuffer>> globals; /* destroyed after main */
struct Last {
  std::shared_ptr<arrow::ResizableBuffer> buffer;
  ~Last() {
    if (buffer) {
      CHECK(buffer->Resize(2000000).ok() && Holds(buffer->data(), 1000, 5));
      buffer.reset();
      std::puts("the last destructor");
    }
  }
} last;
arrow::ResizableBuffer *unowned;

/* As late as anything of a process runs: destructors of libraries are over, ours was linked first. */
__attribute__((destructor(101))) void AfterAll() {
  if (unowned) {
    CHECK(unowned->Resize(3000000).ok() && Holds(unowned->data(), 1000, 5));
    delete unowned;
    std::puts("after all");
    std::fflush(stdout);
  }
}

void Late() {
  auto make = [] {
    std::shared_ptr<arrow::ResizableBuffer> buffer =
        arrow::AllocateResizableBuffer(1000, arrow::default_memory_pool()).ValueOrDie();
    Fill(buffer->mutable_data(), 1000, 5);
    return buffer;
  };
  for (int i = 0; i < 100; i++)
    globals.push_back(make());
  last.buffer = make();
  unowned = arrow::AllocateResizableBuffer(1000, arrow::default_memory_pool()).ValueOrDie().release();
  Fill(unowned->mutable_data(), 1000, 5);
  std::atexit([] {
    CHECK(globals[0]->Resize(1000000).ok() && Holds(globals[0]->data(), 1000, 5));
    globals[1].reset();
    PrintFigures("atexit", arrow::default_memory_pool());
  });
}

/* ---- threads, fork ---- */

void Threads() {
  std::atomic<int> waiting{8};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; t++)
    threads.emplace_back([&waiting, t] {
      waiting--;
      while (waiting > 0)
        std::this_thread::yield();
      auto pool = t % 2 ? arrow::default_memory_pool() : arrow::system_memory_pool();
      for (int64_t i = 1; i <= 300; i++) {
        int64_t size = i * 37;
        uint8_t *buffer;
        CHECK(Allocate(pool, size, 64, &buffer).ok());
        Fill(buffer, size, uint64_t(t));
        ResizeTo(pool, &size, size * 5, 64, &buffer, uint64_t(t));
        Free(pool, buffer, size, 64);
      }
    });
  for (auto &thread : threads)
    thread.join();
  for (auto pool : {arrow::default_memory_pool(), arrow::system_memory_pool()}) {
    std::printf("%lld", (long long)pool->bytes_allocated());
#if ARROW_VERSION_MAJOR > 11
    std::printf(" %lld %lld", (long long)pool->total_bytes_allocated(), (long long)pool->num_allocations());
#endif
    std::puts("");
  }
}

void Fork() {
  auto pool = arrow::default_memory_pool();
  auto buffer = arrow::AllocateResizableBuffer(100000, pool).ValueOrDie();
  Fill(buffer->mutable_data(), 100000, 6);
  PrintFigures("parent", pool);
  std::fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    PrintFigures("child", pool);
    CHECK(buffer->Resize(9000000).ok() && Holds(buffer->data(), 100000, 6));
    UseBuffer("child", pool);
    buffer.reset();
    PrintFigures("child's end", pool);
    std::exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(Holds(buffer->data(), 100000, 6));
  PrintFigures("parent's end", pool);
}

} // namespace

int main(int count, char **words) {
  std::string what = count > 1 ? words[1] : "";
  if (what == "figures")
    Figures();
  else if (what == "early")
    Early();
  else if (what == "late")
    Late();
  else if (what == "threads")
    Threads();
  else if (what == "fork")
    Fork();
  else
    return 2;
}
