/* What the C++ programs of the peer tests share: libarrow's pools as all versions have them, and contents
 * that can be verified. */
#ifndef ARROW_POOLS_H
#define ARROW_POOLS_H

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/util/config.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition))

[[noreturn]] inline void fail(const char *file, int line, const char *condition) {
  dprintf(STDERR_FILENO, "%s:%d: failed: %s\n", file, line, condition);
  std::abort();
}

/* ---- the pools' functions, which take an alignment from libarrow 11 on ---- */

#if ARROW_VERSION_MAJOR > 10
constexpr bool kAligned = true;
inline arrow::Status Allocate(arrow::MemoryPool *pool, int64_t size, int64_t alignment, uint8_t **out) {
  return pool->Allocate(size, alignment, out);
}
inline arrow::Status Reallocate(arrow::MemoryPool *pool, int64_t old_size, int64_t new_size,
                                int64_t alignment, uint8_t **buffer) {
  return pool->Reallocate(old_size, new_size, alignment, buffer);
}
inline void Free(arrow::MemoryPool *pool, uint8_t *buffer, int64_t size, int64_t alignment) {
  pool->Free(buffer, size, alignment);
}
#define ALIGNMENT , int64_t alignment
#define HANDED_ON , alignment
#else
constexpr bool kAligned = false;
inline arrow::Status Allocate(arrow::MemoryPool *pool, int64_t size, int64_t, uint8_t **out) {
  return pool->Allocate(size, out);
}
inline arrow::Status Reallocate(arrow::MemoryPool *pool, int64_t old_size, int64_t new_size, int64_t,
                                uint8_t **buffer) {
  return pool->Reallocate(old_size, new_size, buffer);
}
inline void Free(arrow::MemoryPool *pool, uint8_t *buffer, int64_t size, int64_t) {
  pool->Free(buffer, size);
}
#define ALIGNMENT
#define HANDED_ON
#endif

inline void PrintFigures(const char *step, const arrow::MemoryPool *pool) {
  std::printf("%s: %s %lld %lld", step, pool->backend_name().c_str(), (long long)pool->bytes_allocated(),
              (long long)pool->max_memory());
#if ARROW_VERSION_MAJOR > 11
  std::printf(" %lld %lld", (long long)pool->total_bytes_allocated(), (long long)pool->num_allocations());
#endif
  std::puts("");
}

/* ---- contents ---- */

inline void Fill(uint8_t *buffer, int64_t size, uint64_t tag) {
  for (int64_t i = 0; i < size; i += i < 256 ? 1 : 509)
    buffer[i] = uint8_t(tag * 31 + uint64_t(i) * 7 + (uint64_t(i) >> 9));
}

inline bool Holds(const uint8_t *buffer, int64_t size, uint64_t tag) {
  for (int64_t i = 0; i < size; i += i < 256 ? 1 : 509)
    if (buffer[i] != uint8_t(tag * 31 + uint64_t(i) * 7 + (uint64_t(i) >> 9)))
      return false;
  return true;
}

inline void ResizeTo(arrow::MemoryPool *pool, int64_t *size, int64_t next, int64_t alignment,
                     uint8_t **buffer, uint64_t tag) {
  CHECK(Reallocate(pool, *size, next, alignment, buffer).ok());
  CHECK(uintptr_t(*buffer) % uintptr_t(alignment) == 0);
  CHECK(Holds(*buffer, *size < next ? *size : next, tag));
  *size = next;
  Fill(*buffer, next, tag);
}

#endif
