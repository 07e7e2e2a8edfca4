/* The virtual functions that Arrow's pools are patched with. Before libarrow 25 nothing else sees a
 * reallocation.
 *
 * A buffer that is not the pool's own, because it was there before the patch or the pool ran out of memory,
 * goes to the original function, and so does whatever has to end in an error: Arrow's own answer is the right
 * one. What a limit refuses does not: the original, which knows of no limit, would serve it. */
#include "arrow/abi.h"

#if ABI_KNOWN
#include "arrow/status.h"
#include "pool/pool_quick.h"
#include "pool/refusal.h"
#include "shim/arrow_patch.h"
#include "shim/arrow_vtable.h"
#include "shim/ownership.h"

#include <string.h>

/* ---- memory ---- */

/* Returns whether the buffer is the pool's own. In a debug mode that is also what cannot be the original's:
 * the pool will tell what is wrong with it. */
static bool owns(const arrow_patch *p, const void *buffer) {
  return (p->lists_own ? ownership_has(buffer) : range_owns(buffer) != ownership_has(buffer)) ||
         guard_has_told(buffer);
}

/* Returns whether ownership.h has to know a buffer of the pool's. */
static bool is_listed(const arrow_patch *p, const void *buffer) {
  return p->lists_own || !range_owns(buffer);
}

/* Returns the alignment to use, never less than Arrow's default; 0 stands where Arrow names none. */
static int64_t vtable_alignment_of(int64_t alignment) {
  return alignment < ARROWPOOL_DEFAULT_ALIGNMENT ? ARROWPOOL_DEFAULT_ALIGNMENT : alignment;
}

static void give_back(arrow_patch *p, uint8_t *buffer, int64_t size, int64_t alignment) {
  if (is_listed(p, buffer))
    ownership_remove(buffer);
  pool_free(p->pool, buffer, size, vtable_alignment_of(alignment));
}

/* Makes what the pool has just served its own; if that fails, the buffer goes back. */
static bool vtable_keep(arrow_patch *p, void *buffer, int64_t size, int64_t alignment) {
  if (__builtin_expect(!is_listed(p, buffer) || ownership_add(buffer), 1))
    return true;
  pool_free(p->pool, buffer, size, vtable_alignment_of(alignment));
  return false;
}

/* Returns whether the pool served a request; one too large for it to consider was a request all the same. */
static bool served(arrow_patch *p, arrowpool_status status) {
  if (status == ARROWPOOL_INVALID)
    pool_note_failed(p->pool);
  return status == ARROWPOOL_OK;
}

static bool vtable_take(arrow_patch *p, int64_t size, int64_t alignment, uint8_t **out) {
  void *buffer;
  if (!served(p, pool_allocate(p->pool, size, vtable_alignment_of(alignment), &buffer)) ||
      !vtable_keep(p, buffer, size, alignment))
    return false;
  *out = buffer;
  return true;
}

/* ---- the original functions ---- */

#define ORIGINAL(p, method, type) ((type)(p)->original[(p)->layout.indexes[method]])

static int64_t original_figure(const arrow_patch *p, arrow_method method) {
  return p->layout.indexes[method] < 0 ? 0 : ORIGINAL(p, method, int64_t(*)(const void *))(p->object);
}

static int64_t highest(arrow_patch *p) {
  counters_history ours;
  pool_read_history(p->pool, &ours);
  int64_t peak = atomic_load_explicit(&p->peak, memory_order_relaxed);
  int64_t alone = original_figure(p, ARROW_MAX_MEMORY);
  int64_t together = ours.max_memory + original_figure(p, ARROW_BYTES_ALLOCATED);
  peak = peak > alone ? peak : alone;
  return peak > together ? peak : together;
}

/* Notes the peak, before the original changes what it holds. */
static void note_peak(arrow_patch *p) {
  if (original_figure(p, ARROW_BYTES_ALLOCATED))
    atomic_store_explicit(&p->peak, highest(p), memory_order_relaxed);
}

static void *original_allocate(arrow_patch *p, int64_t size, int64_t alignment, uint8_t **out) {
  abi_object status;
  note_peak(p);
  if (p->layout.takes_alignment)
    status = ORIGINAL(p, ARROW_ALLOCATE, abi_object(*)(void *, int64_t, int64_t, uint8_t **))(p->object, size,
                                                                                              alignment, out);
  else
    status = ORIGINAL(p, ARROW_ALLOCATE, abi_object(*)(void *, int64_t, uint8_t **))(p->object, size, out);
  return status.state;
}

static void *original_reallocate(arrow_patch *p, int64_t old_size, int64_t new_size, int64_t alignment,
                                 uint8_t **buffer) {
  abi_object status;
  note_peak(p);
  if (p->layout.takes_alignment)
    status = ORIGINAL(p, ARROW_REALLOCATE, abi_object(*)(void *, int64_t, int64_t, int64_t, uint8_t **))(
        p->object, old_size, new_size, alignment, buffer);
  else
    status = ORIGINAL(p, ARROW_REALLOCATE, abi_object(*)(void *, int64_t, int64_t, uint8_t **))(
        p->object, old_size, new_size, buffer);
  return status.state;
}

static void original_free(arrow_patch *p, uint8_t *buffer, int64_t size, int64_t alignment) {
  if (size)
    note_peak(p);
  if (p->layout.takes_alignment)
    ORIGINAL(p, ARROW_FREE, void (*)(void *, uint8_t *, int64_t, int64_t))
  (p->object, buffer, size, alignment);
  else ORIGINAL(p, ARROW_FREE, void (*)(void *, uint8_t *, int64_t))(p->object, buffer, size);
}

/* ---- ours; the results are those of arrow::Status: NULL for success ---- */

/* Returns Arrow's error for what a limit refuses, in our words or, by a request that nobody can meet, in
 * Arrow's. */
static void *vtable_refuse(arrow_patch *p, int64_t old_size, int64_t new_size, int64_t alignment) {
  char reason[REFUSAL_BYTES];
  uint8_t *none = NULL;
  refusal_describe(p->pool, old_size, new_size, reason);
  void *status = arrow_status_out_of_memory(&p->layout, reason);
  return status ? status : original_allocate(p, INT64_MAX / 2, alignment, &none);
}

static void *allocate_elsewhere(arrow_patch *p, int64_t size, int64_t alignment, uint8_t **out) {
  return size > 0 && arrow_patch_serves() && pool_is_limited(p->pool)
             ? vtable_refuse(p, 0, size, alignment)
             : original_allocate(p, size, alignment, out);
}

static void *vtable_allocate_slowly(arrow_patch *p, int64_t size, int64_t alignment, uint8_t **out) {
  return __builtin_expect(size > 0 && arrow_patch_serves() && vtable_take(p, size, alignment, out), 1)
             ? NULL
             : allocate_elsewhere(p, size, alignment, out);
}

static inline __attribute__((always_inline)) void *vtable_allocate(arrow_patch *p, int64_t size,
                                                                   int64_t alignment, uint8_t **out) {
  bool quick = alignment <= ARROWPOOL_DEFAULT_ALIGNMENT &&
               atomic_load_explicit(&p->quick, memory_order_relaxed) &&
               pool_quick_allocate(p->pool, size, (pool_quick_pointer *)out);
  return __builtin_expect(quick, 1) ? NULL : vtable_allocate_slowly(p, size, alignment, out);
}

/* Moves the buffer to the original: the pool has no memory, but the original may have, and knows what to say
 * if not. */
static void *move_to_original(arrow_patch *p, int64_t old_size, int64_t new_size, int64_t alignment,
                              uint8_t **buffer) {
  uint8_t *moved = NULL;
  void *status = original_allocate(p, new_size, alignment, &moved);
  if (status)
    return status;
  memcpy(moved, *buffer, (size_t)(old_size < new_size ? old_size : new_size));
  give_back(p, *buffer, old_size, alignment);
  *buffer = moved;
  return NULL;
}

static void *resize(arrow_patch *p, int64_t old_size, int64_t new_size, int64_t alignment, uint8_t **buffer) {
  void *resized = *buffer;
  bool listed =
      is_listed(p, resized) && ownership_remove(resized); /* once it moved, the address is anybody's */
  if (!served(p, pool_reallocate(p->pool, old_size, new_size, vtable_alignment_of(alignment), &resized))) {
    if (listed)
      ownership_add(resized);
    return pool_is_limited(p->pool) ? vtable_refuse(p, old_size, new_size, alignment)
                                    : move_to_original(p, old_size, new_size, alignment, buffer);
  }
  *buffer = resized;
  return !is_listed(p, resized) || ownership_add(resized)
             ? NULL
             : move_to_original(p, new_size, new_size, alignment, buffer);
}

static void *vtable_reallocate(arrow_patch *p, int64_t old_size, int64_t new_size, int64_t alignment,
                               uint8_t **buffer) {
  if (old_size == 0 && new_size > 0 && arrow_patch_serves() && vtable_take(p, new_size, alignment, buffer))
    return NULL;
  if (old_size <= 0 || new_size < 0 || !owns(p, *buffer))
    return original_reallocate(p, old_size, new_size, alignment, buffer);
  if (new_size > 0)
    return resize(p, old_size, new_size, alignment, buffer);
  give_back(p, *buffer, old_size, alignment);
  *buffer = p->layout.zero_size_area;
  return NULL;
}

static void vtable_release_slowly(arrow_patch *p, uint8_t *buffer, int64_t size, int64_t alignment) {
  if (__builtin_expect(size > 0 ? owns(p, buffer) : guard_has_told(buffer), 1))
    give_back(p, buffer, size, alignment);
  else
    original_free(p, buffer, size, alignment);
}

/* Where there never was an exception, what lies among the page runs is the pool's. */
static inline __attribute__((always_inline)) void vtable_release(arrow_patch *p, uint8_t *buffer,
                                                                 int64_t size, int64_t alignment) {
  bool quick = alignment <= ARROWPOOL_DEFAULT_ALIGNMENT && !p->lists_own &&
               !atomic_load_explicit(&ownership_in_use, memory_order_relaxed) &&
               pool_quick_free(p->pool, buffer, size);
  if (__builtin_expect(!quick, 0))
    vtable_release_slowly(p, buffer, size, alignment);
}

/* ---- as C++ calls them ---- */

#define ALLOCATE   vtable_allocate
#define REALLOCATE vtable_reallocate
#define RELEASE    vtable_release
#define SELF       arrow_patch_of((void *)a)
#include "arrow/calls.h"

static void call_release_unused(void *self) {
  arrow_patch *p = arrow_patch_of(self);
  pool_get_config(p->pool)->backend->release_unused();
  ORIGINAL(p, ARROW_RELEASE_UNUSED, void (*)(void *))(self);
}

static int64_t call_max_memory(const void *self) { return highest(arrow_patch_of(self)); }

#define FIGURE(name, method)                                                                                 \
  static int64_t call_##name(const void *self) {                                                             \
    counters_history ours;                                                                                   \
    arrow_patch *p = arrow_patch_of(self);                                                                   \
    pool_read_history(p->pool, &ours);                                                                       \
    return ours.name + original_figure(p, method);                                                           \
  }
FIGURE(bytes_allocated, ARROW_BYTES_ALLOCATED)
FIGURE(total_bytes_allocated, ARROW_TOTAL_BYTES_ALLOCATED)
FIGURE(num_allocations, ARROW_NUM_ALLOCATIONS)

static const arrow_functions functions = ARROW_FUNCTIONS();

void *arrow_vtable_patch(void *object) { return arrow_patch_pool(object, &functions); }

#endif
