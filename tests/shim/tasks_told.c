/* Part of a shim of the tests' own (libarrowpool_preload_tasks.so): it watches the tasks of Arrow's threads.
 * A thread of the program says as what number it gives tasks, and anybody can ask whose task a thread works
 * on.
 *
 * TASKS_TOLD in the environment: `no`, nothing is watched; `late`, from tasks_told_start on. */
#include "pool/pool.h"
#include "shim/tasks.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void tasks_told_start(void);
EXPORT void tasks_told_as(uint32_t number);
EXPORT uint32_t tasks_told_own(void);
EXPORT uint32_t tasks_told_here(void);
EXPORT void tasks_told_counts(int64_t out[2]);
EXPORT void tasks_told_bytes(int64_t out[2]);

static __thread uint32_t own, current;
static _Atomic uint64_t counts; /* tasks given, times 2^32, and told */

static uint32_t origin_here(void) { return own; }
static uint32_t *get_current(void) { return &current; }

static void count_task(bool told) { atomic_fetch_add(&counts, UINT64_C(1) << 32 | told); }

static const arrow_tasks_callbacks callbacks = {origin_here, get_current, count_task};

void tasks_told_start(void) { tasks_watch(&callbacks); }

void tasks_told_as(uint32_t number) { own = number; }

/* The calling thread's number; 0: it has none. */
uint32_t tasks_told_own(void) { return own; }

/* Whose task the calling thread works on; 0: on none. */
uint32_t tasks_told_here(void) { return current; }

void tasks_told_counts(int64_t out[2]) {
  uint64_t now = atomic_load(&counts);
  out[0] = (int64_t)(now >> 32);
  out[1] = (int64_t)(now & UINT32_MAX);
}

/* ---- what Arrow's pools allocate; it is linked with --wrap. Small blocks do not come by here. ---- */

arrowpool_status __real_pool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, void **out);
arrowpool_status __real_pool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size,
                                        int64_t alignment, void **buffer);
arrowpool_status __wrap_pool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, void **out);
arrowpool_status __wrap_pool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size,
                                        int64_t alignment, void **buffer);

static _Atomic int64_t bytes[2]; /* without an origin; with one */

static void count_bytes(const arrowpool_pool *pool, int64_t size) {
  if (!own && size > 0 && strncmp(pool_name(pool), "arrow.", 6) == 0)
    atomic_fetch_add(&bytes[current != 0], size);
}

arrowpool_status __wrap_pool_allocate(arrowpool_pool *pool, int64_t size, int64_t alignment, void **out) {
  count_bytes(pool, size);
  return __real_pool_allocate(pool, size, alignment, out);
}

arrowpool_status __wrap_pool_reallocate(arrowpool_pool *pool, int64_t old_size, int64_t new_size,
                                        int64_t alignment, void **buffer) {
  count_bytes(pool, new_size - old_size);
  return __real_pool_reallocate(pool, old_size, new_size, alignment, buffer);
}

/* Bytes that threads without a number allocated while they worked on no task, and on one. */
void tasks_told_bytes(int64_t out[2]) {
  out[0] = atomic_load(&bytes[0]);
  out[1] = atomic_load(&bytes[1]);
}

__attribute__((constructor(103))) static void start(void) { /* after the shim's own */
  const char *when = getenv("TASKS_TOLD");
  if (!when)
    tasks_told_start();
}
