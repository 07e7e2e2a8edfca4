/* arrowpool::MemoryPool: an arrow::MemoryPool with a name, statistics and a limit of its own, on a pool of
 * arrowpool.h; and arrowpool::install(), which has Arrow's own pools served. C++17, header-only, for libarrow
 * 10 and newer.
 *
 * Sizes and alignments are bytes. Every function may be called from any thread at any time; one buffer by one
 * thread at a time. Nothing throws but std::string where a process is out of memory. */
#ifndef ARROWPOOL_ARROW_HPP
#define ARROWPOOL_ARROW_HPP

#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/util/config.h>

#include "../arrowpool.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace arrowpool {

/** How to make a pool; what is left alone has its default. */
struct Options {
  /** Most bytes that may be live in the pool, 0 to INT64_MAX; 0: no limit. Never exceeded, not by a byte. */
  int64_t limit_bytes = 0;
  /** Where the memory comes from; the default is the backend of arrowpool_default(), which is jemalloc, or
   * what ARROW_POOL says where the shim is preloaded. */
  arrowpool_backend backend = ARROWPOOL_BACKEND_DEFAULT;
};

/** Arrow's buffers from a pool of arrowpool's.
 *
 *  Whoever takes an arrow::MemoryPool takes this. As with each of Arrow's pools, its buffers point to it: it
 * has to outlive them. Make() is lenient here: while buffers are live, the last shared_ptr to go gives up the
 * pool's name and takes no new buffers, but those that are there can still be resized and freed. The object
 * itself, some dozens of bytes, is then never freed. A pool made by the constructor has no such safety. */
class MemoryPool : public arrow::MemoryPool {
public:
  /** A pool of its own, reported as "c:NAME".
   *  @param[in] name  1 to ARROWPOOL_NAME_MAX bytes without control characters
   *  @return Invalid: a bad name, limit or backend; AlreadyExists: a pool of that name lives; OutOfMemory:
   * 256 pools live, the built-in ones included. A name whose pool is gone can be used again; the totals then
   * go on from where they were.
   */
  static arrow::Result<std::shared_ptr<MemoryPool>> Make(const std::string &name, Options options = {}) {
    arrowpool_config config{};
    config.struct_size = sizeof config;
    config.backend = options.backend;
    config.limit_bytes = options.limit_bytes;
    arrowpool_pool *pool = nullptr;
    arrowpool_status status = name.find('\0') == std::string::npos
                                  ? arrowpool_create(name.c_str(), &config, &pool)
                                  : ARROWPOOL_INVALID;
    switch (status) {
    case ARROWPOOL_OK:
      return std::shared_ptr<MemoryPool>(new MemoryPool(pool), Retire);
    case ARROWPOOL_EXISTS:
      return arrow::Status::AlreadyExists("a living pool is named '", name, "'");
    case ARROWPOOL_OUT_OF_MEMORY:
      return arrow::Status::OutOfMemory("no room for a pool named '", name, "': too many pools live");
    default:
      return arrow::Status::Invalid("no pool can be named '", name, "' with a limit of ", options.limit_bytes,
                                    " bytes and the backend ", static_cast<int>(options.backend));
    }
  }

  /** A pool that somebody else made and destroys, after this object: one of arrowpool_create(), or a built-in
   * one such as arrowpool_default().
   *  @param[in] pool  not NULL */
  explicit MemoryPool(arrowpool_pool *pool) noexcept : pool_(pool) {}

  MemoryPool(const MemoryPool &) = delete;
  MemoryPool &operator=(const MemoryPool &) = delete;
  ~MemoryPool() override = default;

#if ARROW_VERSION_MAJOR >= 11
  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;

  /** A buffer; its contents are undefined.
   *  @param[in] size  0..INT64_MAX; 0 gives an aligned pointer that must not be dereferenced and costs
   * nothing
   *  @param[in] alignment  a power of two
   *  @return OutOfMemory, which names the pool, the size and the limit; Invalid: a negative size, a bad
   * alignment, or a pool that was given up. *out is then untouched. */
  arrow::Status Allocate(int64_t size, int64_t alignment, uint8_t **out) override {
    return DoAllocate(size, alignment, out);
  }

  /** Resize a buffer, in place wherever the backend can; it may move. Its contents stay up to the smaller
   * size.
   *  @return as Allocate; the old buffer then is as it was. */
  arrow::Status Reallocate(int64_t old_size, int64_t new_size, int64_t alignment, uint8_t **buffer) override {
    return DoReallocate(old_size, new_size, alignment, buffer);
  }

  /** Give a buffer back, with the size and the alignment that were last asked for. */
  void Free(uint8_t *buffer, int64_t size, int64_t alignment) override { DoFree(buffer, size, alignment); }
#else
  arrow::Status Allocate(int64_t size, uint8_t **out) override { return DoAllocate(size, 0, out); }
  arrow::Status Reallocate(int64_t old_size, int64_t new_size, uint8_t **buffer) override {
    return DoReallocate(old_size, new_size, 0, buffer);
  }
  void Free(uint8_t *buffer, int64_t size) override { DoFree(buffer, size, 0); }
#endif

  /** Give free memory that is still resident back to the kernel. */
  void ReleaseUnused() override { arrowpool_release_unused(pool_); }

#if ARROW_VERSION_MAJOR >= 20
  /** The report on the process and all its pools, as text, on stderr. */
  void PrintStats() override {
    arrowpool_report(
        ARROWPOOL_FORMAT_TEXT,
        [](void *file, const char *text, size_t size) {
          return std::fwrite(text, 1, size, static_cast<std::FILE *>(file)) == size ? 0 : 1;
        },
        stderr);
  }
#endif

  /** Live now. */
  int64_t bytes_allocated() const override { return stats().bytes_allocated; }
  /** Highest bytes_allocated() so far; arrowpool_stats says how exact. */
  int64_t max_memory() const override { return stats().max_memory; }

#if ARROW_VERSION_MAJOR >= 12
  /** Sum over all allocations; growth adds its difference. */
  int64_t total_bytes_allocated() const override { return stats().total_bytes_allocated; }
  /** Allocations and growing reallocations, without those of no bytes, which Arrow's own pools count too. */
  int64_t num_allocations() const override { return stats().num_allocations; }
#endif

  /** "arrowpool". */
  std::string backend_name() const override { return "arrowpool"; }

  /** The name it is reported under. */
  std::string name() const { return arrowpool_name(pool_); }

  /** Set the most bytes that may be live in the pool, at any time and exactly; 0: no limit. What lives beyond
   *  it stays, and nothing is added before there is room.
   *  @return Invalid: a negative limit */
  arrow::Status SetLimit(int64_t limit_bytes) {
    return arrowpool_set_limit(pool_, limit_bytes) == ARROWPOOL_OK
               ? arrow::Status::OK()
               : arrow::Status::Invalid("no pool can have a limit of ", limit_bytes, " bytes");
  }

  /** All figures, among them how growth was served. */
  arrowpool_stats stats() const noexcept {
    arrowpool_stats stats{};
    stats.struct_size = sizeof stats;
    arrowpool_get_stats(pool_, &stats);
    return stats;
  }

  /** The pool underneath, for memory_resource.hpp, allocator.hpp and C; valid as long as this object. */
  arrowpool_pool *handle() const noexcept { return pool_; }

private:
  /* Buffers of no bytes are not counted by the pool, but they too will be freed by way of this object. */
  static void Retire(MemoryPool *pool) {
    bool live = pool->stats().bytes_allocated != 0 || pool->zero_size_buffers_.load() != 0;
    arrowpool_destroy(pool->pool_);
    if (!live)
      delete pool;
  }

  void CountZeroSize(int difference) noexcept {
    zero_size_buffers_.fetch_add(difference, std::memory_order_relaxed);
  }

  arrow::Status DoAllocate(int64_t size, int64_t alignment, uint8_t **out) {
    arrowpool_status status = arrowpool_allocate(pool_, size, alignment, out);
    if (status != ARROWPOOL_OK)
      return Failed(status, 0, size, alignment);
    if (size == 0)
      CountZeroSize(1);
    return arrow::Status::OK();
  }

  arrow::Status DoReallocate(int64_t old_size, int64_t new_size, int64_t alignment, uint8_t **buffer) {
    arrowpool_status status = arrowpool_reallocate(pool_, old_size, new_size, alignment, buffer);
    if (status != ARROWPOOL_OK)
      return Failed(status, old_size, new_size, alignment);
    if ((old_size == 0) != (new_size == 0))
      CountZeroSize(new_size == 0 ? 1 : -1);
    return arrow::Status::OK();
  }

  void DoFree(uint8_t *buffer, int64_t size, int64_t alignment) {
    if (size == 0)
      CountZeroSize(-1);
    arrowpool_free(pool_, buffer, size, alignment);
  }

  /* Said of the moment after: other threads may have freed memory since. */
  arrow::Status Failed(arrowpool_status status, int64_t old_size, int64_t new_size, int64_t alignment) const {
    if (status != ARROWPOOL_OUT_OF_MEMORY)
      return arrow::Status::Invalid(old_size ? "realloc" : "malloc", " of size ", new_size, " and alignment ",
                                    alignment, " in pool ", name(), ": ", arrowpool_status_message(status));
    char reason[320];
    arrowpool_describe_failure(pool_, old_size, new_size, reason, sizeof reason);
    return arrow::Status::OutOfMemory(reason);
  }

  arrowpool_pool *const pool_;
  std::atomic<int64_t> zero_size_buffers_{0};
};

/** Have Arrow's own pools served from now on, of every libarrow of the process: for libraries that allocate
 * from the default pool. The shim does the same, and libc's functions besides, where it can be preloaded.
 *
 *      arrow::Status status = arrowpool::install({{"limit", "8GiB"}, {"live", "/run/pools"}});
 *
 *  @param[in] options  names and values of the options of `arrowpool run`; "pool" is jemalloc unless given
 *  @return Invalid: an option that cannot be, which is named with its choices, and nothing is changed;
 *          AlreadyExists: the shim is preloaded, or it was installed before, and no option is heeded;
 *          NotImplemented: this processor, or libarrow, is not known. arrowpool_install() says more. */
inline arrow::Status install(const std::vector<std::pair<std::string, std::string>> &options = {}) {
  std::string given;
  for (const auto &option : options) {
    if (option.first.find('\0') != std::string::npos || option.second.find('\0') != std::string::npos)
      return arrow::Status::Invalid(option.first.c_str(), ": a NUL is in no option");
    given += option.first + '=' + option.second + '\0';
  }
  char message[640];
  switch (arrowpool_install(given.c_str(), message, sizeof message)) {
  case ARROWPOOL_OK:
    return arrow::Status::OK();
  case ARROWPOOL_EXISTS:
    return arrow::Status::AlreadyExists(message);
  case ARROWPOOL_UNSUPPORTED:
    return arrow::Status::NotImplemented(message);
  default:
    return arrow::Status::Invalid(message);
  }
}

/** Leave new requests to Arrow again. Buffers that are there stay valid, and are resized and freed as before.
 *  @return AlreadyExists: the shim is preloaded, and goes on */
inline arrow::Status uninstall() {
  return arrowpool_uninstall() == ARROWPOOL_OK
             ? arrow::Status::OK()
             : arrow::Status::AlreadyExists("the shim is preloaded, and goes on");
}

} // namespace arrowpool

#endif
