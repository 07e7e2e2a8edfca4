/* See fake_arrow.h. The pools remember every buffer, and end the process if one comes back that was never
 * theirs, such as one of another copy's. FAKE_NAME is in the messages, and tells the copies apart. */
#include "fake_arrow.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

namespace arrow {
namespace memory_pool {
namespace internal {
alignas(64) uint8_t zero_size_area[1];
}
} // namespace memory_pool
using memory_pool::internal::zero_size_area;

namespace {

fake_arrow::Calls calls;

struct Observer {
  virtual ~Observer() = default;
  virtual int observe() { return 2; }
};

#ifdef FAKE_PLAIN
#define ALIGNMENT
#define HANDED_ON
#else
#define ALIGNMENT , int64_t alignment
#define HANDED_ON , alignment
#endif
#ifdef FAKE_DEBUG
#define POOL DebugMemoryPool
#else
#define POOL BackendMemoryPool
#endif

class POOL : public MemoryPool
#ifdef FAKE_MULTIPLE
    ,
             public Observer
#endif
{
public:
  explicit POOL(const char *name) : name_(name) {}

  Status Allocate(int64_t size ALIGNMENT, uint8_t **out) override {
    if (size < 0)
      return Status(FAKE_NAME ": negative malloc size");
    if (size >= int64_t(1) << 47)
      return Status(FAKE_NAME ": malloc of that size failed");
    *out = zero_size_area;
    if (size > 0)
      *out = make(size HANDED_ON);
    did_allocate(size);
    return Status();
  }

  Status Reallocate(int64_t old_size, int64_t new_size ALIGNMENT, uint8_t **buffer) override {
    if (new_size < 0)
      return Status(FAKE_NAME ": negative realloc size");
    if (new_size >= int64_t(1) << 47)
      return Status(FAKE_NAME ": malloc of that size failed");
    uint8_t *old = *buffer, *moved = new_size > 0 ? make(new_size HANDED_ON) : zero_size_area;
    std::memcpy(moved, old, size_t(old_size < new_size ? old_size : new_size));
    drop(old, old_size);
    *buffer = moved;
    if (new_size > old_size)
      did_allocate(new_size - old_size);
    else
      live_ -= old_size - new_size;
    return Status();
  }

  void Free(uint8_t *buffer, int64_t size FAKE_ALIGNMENT) override {
    drop(buffer, size);
    live_ -= size;
  }

  void ReleaseUnused() override { calls.released++; }
#ifndef FAKE_PLAIN
  void PrintStats() override { calls.printed++; }
  int64_t total_bytes_allocated() const override { return total_; }
  int64_t num_allocations() const override { return allocations_; }
#endif
#ifdef FAKE_MISSING
  int64_t bytes_in_use() const override { return live_; }
#else
  int64_t bytes_allocated() const override { return live_; }
#endif
  int64_t max_memory() const override { return peak_; }
  std::string backend_name() const override { return name_; }
#if defined(FAKE_EXTRA) || defined(FAKE_SHIFTED)
  int unheard_of() override { return 77; }
#endif

private:
  uint8_t *make(int64_t size ALIGNMENT) {
#ifdef FAKE_PLAIN
    const int64_t alignment = 64;
#endif
    auto memory = uintptr_t(std::malloc(size_t(size + alignment))); /* by no hook of ours */
    if (!memory)
      std::abort();
    auto buffer = reinterpret_cast<uint8_t *>((memory + uintptr_t(alignment)) & ~uintptr_t(alignment - 1));
    buffers_[buffer] = {reinterpret_cast<void *>(memory), size};
    calls.served++;
    return buffer;
  }

  void drop(uint8_t *buffer, int64_t size) {
    if (buffer == zero_size_area)
      return;
    auto known = buffers_.find(buffer);
    if (known == buffers_.end() || known->second.size != size) {
      std::fputs(FAKE_NAME ": a buffer that was never handed out, or has another size\n", stderr);
      std::abort();
    }
    std::free(known->second.memory);
    buffers_.erase(known);
    calls.freed++;
  }

  void did_allocate(int64_t size) {
    live_ += size;
    total_ += size;
    allocations_++;
    peak_ = live_ > peak_ ? live_ : peak_;
  }

  struct Block {
    void *memory;
    int64_t size;
  };
  const char *name_;
  std::map<uint8_t *, Block> buffers_;
  int64_t live_ = 0, peak_ = 0, total_ = 0, allocations_ = 0;
};

/* Storage that nobody destroys, as libarrow has it too. */
alignas(POOL) char places[3][sizeof(POOL)];
bool constructed[3];
MemoryPool *pool(int place, const char *name) {
  if (!constructed[place])
    new (places[place]) POOL(name);
  constructed[place] = true;
  return reinterpret_cast<MemoryPool *>(places[place]);
}

MemoryPool *default_pool() {
#ifdef FAKE_UNCONSTRUCTED
  if (!constructed[0])
    return reinterpret_cast<MemoryPool *>(places[0]);
#endif
  return pool(0, "mimalloc");
}

} // namespace

MemoryPool *default_memory_pool() { return default_pool(); }
MemoryPool *system_memory_pool() { return pool(1, "system"); }
Status mimalloc_memory_pool(MemoryPool **out) {
  *out = default_pool();
  return Status();
}
#ifdef FAKE_PLAIN /* built without jemalloc */
Status jemalloc_memory_pool(MemoryPool **) { return Status(FAKE_NAME ": no jemalloc in this build"); }
#else
Status jemalloc_memory_pool(MemoryPool **out) {
  *out = pool(2, "jemalloc");
  return Status();
}
#endif

ProxyMemoryPool::~ProxyMemoryPool() = default;
Status ProxyMemoryPool::Allocate(int64_t size ALIGNMENT, uint8_t **out) {
  return pool_->Allocate(size HANDED_ON, out);
}
Status ProxyMemoryPool::Reallocate(int64_t old_size, int64_t new_size ALIGNMENT, uint8_t **buffer) {
  return pool_->Reallocate(old_size, new_size HANDED_ON, buffer);
}
void ProxyMemoryPool::Free(uint8_t *buffer, int64_t size ALIGNMENT) { pool_->Free(buffer, size HANDED_ON); }
void ProxyMemoryPool::ReleaseUnused() { pool_->ReleaseUnused(); }
#ifndef FAKE_PLAIN
void ProxyMemoryPool::PrintStats() { pool_->PrintStats(); }
int64_t ProxyMemoryPool::total_bytes_allocated() const { return pool_->total_bytes_allocated(); }
int64_t ProxyMemoryPool::num_allocations() const { return pool_->num_allocations(); }
#endif
#ifdef FAKE_MISSING
int64_t ProxyMemoryPool::bytes_in_use() const { return pool_->bytes_in_use(); }
#else
int64_t ProxyMemoryPool::bytes_allocated() const { return pool_->bytes_allocated(); }
#endif
#ifndef FAKE_FOLDED
int64_t ProxyMemoryPool::max_memory() const { return pool_->max_memory(); }
#endif
std::string ProxyMemoryPool::backend_name() const { return pool_->backend_name(); }

} // namespace arrow

namespace fake_arrow {
arrow::MemoryPool *inner_default() { return arrow::pool(0, "mimalloc"); }
void construct() { inner_default(); }
Calls calls() { return arrow::calls; }
} // namespace fake_arrow
