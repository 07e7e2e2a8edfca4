/* arrowpool::memory_resource: standard containers (std::pmr) whose memory comes from a pool of arrowpool.h.
 * C++17, header-only. Sizes and alignments are bytes. Thread-safe, as the pool is. */
#ifndef ARROWPOOL_MEMORY_RESOURCE_HPP
#define ARROWPOOL_MEMORY_RESOURCE_HPP

#include "../arrowpool.h"

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>

namespace arrowpool {

/** A view of a pool, which somebody else makes and destroys: it has to outlive what was allocated by it. */
class memory_resource : public std::pmr::memory_resource {
public:
  /** @param[in] pool  not NULL; of arrowpool_create() or arrowpool::MemoryPool::handle(), or a built-in one
   */
  explicit memory_resource(arrowpool_pool *pool = arrowpool_default()) noexcept : pool_(pool) {}

  /** The pool underneath. */
  arrowpool_pool *handle() const noexcept { return pool_; }

protected:
  /** Throws std::bad_alloc where there is no memory, a limit would be exceeded, or the pool was destroyed. */
  void *do_allocate(std::size_t size, std::size_t alignment) override {
    uint8_t *buffer = nullptr; /* a size above INT64_MAX turns negative, which is refused */
    if (arrowpool_allocate(pool_, static_cast<int64_t>(size), static_cast<int64_t>(alignment), &buffer) !=
        ARROWPOOL_OK)
      throw std::bad_alloc();
    return buffer;
  }

  void do_deallocate(void *buffer, std::size_t size, std::size_t alignment) override {
    arrowpool_free(pool_, static_cast<uint8_t *>(buffer), static_cast<int64_t>(size),
                   static_cast<int64_t>(alignment));
  }

  /** Two views of one pool are equal: what one allocated the other can deallocate. */
  bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override {
    auto same_kind = dynamic_cast<const memory_resource *>(&other);
    return same_kind && same_kind->pool_ == pool_;
  }

private:
  arrowpool_pool *pool_;
};

} // namespace arrowpool

#endif
