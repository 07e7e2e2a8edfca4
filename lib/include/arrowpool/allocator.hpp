/* arrowpool::allocator<T>: an allocator for standard containers on a pool of arrowpool.h. C++17, header-only.
 * Thread-safe, as the pool is. */
#ifndef ARROWPOOL_ALLOCATOR_HPP
#define ARROWPOOL_ALLOCATOR_HPP

#include "../arrowpool.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>

namespace arrowpool {

/** Memory for objects of type T, aligned to 64 bytes (Arrow's alignment) or to what T needs, if that is more.
 *
 *  A view of a pool, which somebody else makes and destroys: it has to outlive the containers. Equal if the
 * pool is the same. A container that is moved from or swapped hands its pool on with its memory; one that is
 * copied to keeps its own, so that what it holds stays on its account. Every element of a list or a map is an
 * allocation of its own, and takes 64 bytes at least: memory_resource.hpp asks for no more than the type
 * needs. */
template <class T> class allocator {
public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using propagate_on_container_copy_assignment = std::false_type;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using is_always_equal = std::false_type;

  /** Alignment of all that it allocates (bytes). */
  static constexpr std::size_t alignment = alignof(T) > ARROWPOOL_DEFAULT_ALIGNMENT
                                               ? alignof(T)
                                               : ARROWPOOL_DEFAULT_ALIGNMENT;

  /** On arrowpool_default(), as it is now. */
  allocator() noexcept : pool_(arrowpool_default()) {}

  /** @param[in] pool  not NULL; of arrowpool_create() or arrowpool::MemoryPool::handle(), or a built-in one
   */
  explicit allocator(arrowpool_pool *pool) noexcept : pool_(pool) {}

  template <class U> allocator(const allocator<U> &other) noexcept : pool_(other.handle()) {}

  /** Memory for `count` objects.
   *  @throws std::bad_array_new_length  more than max_size()
   *  @throws std::bad_alloc  no memory, a limit would be exceeded, or the pool was destroyed */
  [[nodiscard]] T *allocate(std::size_t count) {
    if (count > max_size())
      throw std::bad_array_new_length();
    uint8_t *buffer = nullptr;
    if (arrowpool_allocate(pool_, bytes(count), static_cast<int64_t>(alignment), &buffer) != ARROWPOOL_OK)
      throw std::bad_alloc();
    return static_cast<T *>(static_cast<void *>(buffer));
  }

  /** Give memory back, with the count that it was allocated with. */
  void deallocate(T *objects, std::size_t count) noexcept {
    arrowpool_free(pool_, static_cast<uint8_t *>(static_cast<void *>(objects)), bytes(count),
                   static_cast<int64_t>(alignment));
  }

  /** Most objects that allocate() takes. */
  constexpr std::size_t max_size() const noexcept {
    return static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T);
  }

  /** The pool underneath. */
  arrowpool_pool *handle() const noexcept { return pool_; }

private:
  static constexpr int64_t bytes(std::size_t count) noexcept {
    return static_cast<int64_t>(count * sizeof(T));
  }

  arrowpool_pool *pool_;
};

template <class T, class U> bool operator==(const allocator<T> &a, const allocator<U> &b) noexcept {
  return a.handle() == b.handle();
}

template <class T, class U> bool operator!=(const allocator<T> &a, const allocator<U> &b) noexcept {
  return !(a == b);
}

} // namespace arrowpool

#endif
