/* The functions that C++ calls as those of an arrow::MemoryPool, for an object of ours or one that is
 * patched.
 *
 * A file includes this once. It has defined SELF, the object that the first argument `a` stands for, and for
 * it ALLOCATE, REALLOCATE (functions whose results are those of arrow::Status: NULL for success) and RELEASE,
 * in which an alignment of 0 is one that Arrow does not name. */
#ifndef ARROWPOOL_ARROW_CALLS_H
#define ARROWPOOL_ARROW_CALLS_H

#include "arrow/abi.h"
#include "arrow/layout.h"

#define UNUSED     (void)d, (void)e
#define ADDRESS(x) ((uint8_t **)(x))

ABI_BODY(allocate_aligned)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {
  (void)e;
  *result = ALLOCATE(SELF, (int64_t)b, (int64_t)c, ADDRESS(d));
}
ABI_BODY(allocate_plain)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {
  UNUSED;
  *result = ALLOCATE(SELF, (int64_t)b, 0, ADDRESS(c));
}
ABI_BODY(reallocate_aligned)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {
  *result = REALLOCATE(SELF, (int64_t)b, (int64_t)c, (int64_t)d, ADDRESS(e));
}
ABI_BODY(reallocate_plain)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {
  (void)e;
  *result = REALLOCATE(SELF, (int64_t)b, (int64_t)c, 0, ADDRESS(d));
}
ABI_ENTRY(call_allocate_aligned, "hidden", allocate_aligned)
ABI_ENTRY(call_allocate_plain, "hidden", allocate_plain)
ABI_ENTRY(call_reallocate_aligned, "hidden", reallocate_aligned)
ABI_ENTRY(call_reallocate_plain, "hidden", reallocate_plain)

static void call_free_aligned(uintptr_t a, uint8_t *buffer, int64_t size, int64_t alignment) {
  RELEASE(SELF, buffer, size, alignment);
}

static void call_free_plain(uintptr_t a, uint8_t *buffer, int64_t size) { RELEASE(SELF, buffer, size, 0); }

/* Makes an arrow_functions of these, of those that the file defines itself (call_release_unused,
 * call_max_memory and so on), and of what is given besides. */
#define EITHER(...)                                                                                          \
  [ARROW_RELEASE_UNUSED] = call_release_unused, [ARROW_BYTES_ALLOCATED] = call_bytes_allocated,              \
  [ARROW_MAX_MEMORY] = call_max_memory, [ARROW_TOTAL_BYTES_ALLOCATED] = call_total_bytes_allocated,          \
  [ARROW_NUM_ALLOCATIONS] = call_num_allocations, __VA_ARGS__
#define ARROW_FUNCTIONS(...)                                                                                 \
  {                                                                                                          \
    .aligned = {[ARROW_ALLOCATE] = call_allocate_aligned,                                                    \
                [ARROW_REALLOCATE] = call_reallocate_aligned,                                                \
                [ARROW_FREE] = call_free_aligned,                                                            \
                EITHER(__VA_ARGS__)},                                                                        \
    .plain = {[ARROW_ALLOCATE] = call_allocate_plain,                                                        \
              [ARROW_REALLOCATE] = call_reallocate_plain,                                                    \
              [ARROW_FREE] = call_free_plain,                                                                \
              EITHER(__VA_ARGS__)},                                                                          \
  }

#endif
