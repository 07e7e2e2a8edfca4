/* What the hook to Arrow's pools knows of a libarrow, in a library of our own: MemoryPool, ProxyMemoryPool,
 * the factories and the zero-size area, under the same names. Built in variants, each with a macro:
 *
 *   (none)            as libarrow 26 has it
 *   FAKE_PLAIN        as libarrow 10 has it: no alignments, fewer methods, the old string
 *   FAKE_EXTRA        a virtual function that nobody has heard of, after the others
 *   FAKE_SHIFTED      the same, in the midst of the others
 *   FAKE_FOLDED       two of ProxyMemoryPool's functions have one address
 *   FAKE_MISSING      a method went by another name
 *   FAKE_MULTIPLE     the pools inherit from another class as well
 *   FAKE_DEBUG        the pools are of a class that is called Debug...
 *   FAKE_UNCONSTRUCTED  the factories give the default pool away before it is constructed */
#ifndef FAKE_ARROW_H
#define FAKE_ARROW_H

#include <cstdint>
#include <string>

#define FAKE_EXPORT __attribute__((visibility("default")))

#ifdef FAKE_PLAIN
#define FAKE_ALIGNMENT
#define FAKE_ALIGNMENT_COMMA(value)
#else
#define FAKE_ALIGNMENT              , int64_t
#define FAKE_ALIGNMENT_COMMA(value) , value
#endif

namespace arrow {

class FAKE_EXPORT Status {
public:
  explicit Status(const char *message = nullptr) : message_(message ? new std::string(message) : nullptr) {}
  Status(Status &&other) noexcept : message_(other.message_) { other.message_ = nullptr; }
  ~Status() { delete message_; }
  bool ok() const { return !message_; }
  const char *message() const { return message_ ? message_->c_str() : "OK"; }

private:
  std::string *message_;
};

class FAKE_EXPORT MemoryPool {
public:
  virtual ~MemoryPool() = default;
  virtual Status Allocate(int64_t size FAKE_ALIGNMENT, uint8_t **out) = 0;
  virtual Status Reallocate(int64_t old_size, int64_t new_size FAKE_ALIGNMENT, uint8_t **buffer) = 0;
  virtual void Free(uint8_t *buffer, int64_t size FAKE_ALIGNMENT) = 0;
#ifdef FAKE_SHIFTED
  virtual int unheard_of() { return 1; }
#endif
  virtual void ReleaseUnused() {}
#ifndef FAKE_PLAIN
  virtual void PrintStats() {}
#endif
#ifdef FAKE_MISSING
  virtual int64_t bytes_in_use() const = 0;
#else
  virtual int64_t bytes_allocated() const = 0;
#endif
  virtual int64_t max_memory() const = 0;
#ifndef FAKE_PLAIN
  virtual int64_t total_bytes_allocated() const = 0;
  virtual int64_t num_allocations() const = 0;
#endif
  virtual std::string backend_name() const = 0;
#ifdef FAKE_EXTRA
  virtual int unheard_of() { return 1; }
#endif
};

class FAKE_EXPORT ProxyMemoryPool : public MemoryPool {
public:
  explicit ProxyMemoryPool(MemoryPool *pool) : pool_(pool) {}
  ~ProxyMemoryPool() override;
  Status Allocate(int64_t size FAKE_ALIGNMENT, uint8_t **out) override;
  Status Reallocate(int64_t old_size, int64_t new_size FAKE_ALIGNMENT, uint8_t **buffer) override;
  void Free(uint8_t *buffer, int64_t size FAKE_ALIGNMENT) override;
  void ReleaseUnused() override;
#ifndef FAKE_PLAIN
  void PrintStats() override;
#endif
#ifdef FAKE_MISSING
  int64_t bytes_in_use() const override;
#else
  int64_t bytes_allocated() const override;
#endif
#if defined(FAKE_FOLDED) && defined(FAKE_NAME) /* an alias is the library's own matter */
  int64_t max_memory() const override
      __attribute__((alias("_ZNK5arrow15ProxyMemoryPool15bytes_allocatedEv")));
#else
  int64_t max_memory() const override;
#endif
#ifndef FAKE_PLAIN
  int64_t total_bytes_allocated() const override;
  int64_t num_allocations() const override;
#endif
  std::string backend_name() const override;

private:
  MemoryPool *pool_;
};

FAKE_EXPORT MemoryPool *default_memory_pool();
FAKE_EXPORT MemoryPool *system_memory_pool();
FAKE_EXPORT Status jemalloc_memory_pool(MemoryPool **out);
FAKE_EXPORT Status mimalloc_memory_pool(MemoryPool **out);

namespace memory_pool {
namespace internal {
extern FAKE_EXPORT uint8_t zero_size_area[1];
}
} // namespace memory_pool
} // namespace arrow

/* For the probe: the default pool past its factory, its construction where that waits, and how often this
 * copy's own functions were called. */
namespace fake_arrow {
struct Calls {
  int served, freed, released, printed;
};
FAKE_EXPORT arrow::MemoryPool *inner_default();
FAKE_EXPORT void construct();
FAKE_EXPORT Calls calls();
} // namespace fake_arrow

#endif
