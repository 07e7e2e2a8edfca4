/* Makes the objects, and finds out which virtual function is which as the shim does (arrow/layout.h). */
#include "python/arrow_pool.h"

#include "arrow/abi.h"
#include "arrow/layout.h"
#include "arrow/status.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#if ABI_KNOWN

#define OBJECT_BYTES 256 /* a ProxyMemoryPool needs 16 in all that we know */

struct arrow_pool {
  union {
    void **functions; /* every object of a class with virtual functions begins with them */
    char object[OBJECT_BYTES];
  };
  arrowpool_pool *pool;
  const char *backend_name;
};

static arrow_layout layout;
static arrow_table table;
static void (*construct_proxy)(void *object, void *pool);
static void *(*system_pool)(void);
static void (*construct_old_string)(void *object, const char *text, const void *allocator);

/* ---- memory; the results are those of arrow::Status: NULL for success ---- */

/* Returns the alignment to use, at least Arrow's default; `alignment` is 0 where Arrow names none. */
static int64_t arrow_pool_alignment_of(int64_t alignment) {
  return alignment < ARROWPOOL_DEFAULT_ALIGNMENT ? ARROWPOOL_DEFAULT_ALIGNMENT : alignment;
}

static void *arrow_pool_refuse(const arrow_pool *p, int64_t old_size, int64_t new_size) {
  char reason[320] = "out of memory";
  arrowpool_describe_failure(p->pool, old_size, new_size, reason, sizeof reason);
  return arrow_status_out_of_memory(&layout, reason);
}

static void *arrow_pool_allocate(const arrow_pool *p, int64_t size, int64_t alignment, uint8_t **out) {
  if (size == 0) {
    *out = layout.zero_size_area;
    return NULL;
  }
  return arrowpool_allocate(p->pool, size, arrow_pool_alignment_of(alignment), out) == ARROWPOOL_OK
             ? NULL
             : arrow_pool_refuse(p, 0, size);
}

static void arrow_pool_release(const arrow_pool *p, uint8_t *buffer, int64_t size, int64_t alignment) {
  if (size > 0)
    arrowpool_free(p->pool, buffer, size, arrow_pool_alignment_of(alignment));
}

static void *arrow_pool_reallocate(const arrow_pool *p, int64_t old_size, int64_t new_size, int64_t alignment,
                                   uint8_t **buffer) {
  if (old_size == 0)
    return arrow_pool_allocate(p, new_size, alignment, buffer);
  if (new_size == 0) {
    arrow_pool_release(p, *buffer, old_size, alignment);
    *buffer = layout.zero_size_area;
    return NULL;
  }
  return arrowpool_reallocate(p->pool, old_size, new_size, arrow_pool_alignment_of(alignment), buffer) ==
                 ARROWPOOL_OK
             ? NULL
             : arrow_pool_refuse(p, old_size, new_size);
}

/* ---- as C++ calls them ---- */

#define ALLOCATE   arrow_pool_allocate
#define REALLOCATE arrow_pool_reallocate
#define RELEASE    arrow_pool_release
#define SELF       ((const arrow_pool *)a)
#include "arrow/calls.h"

/* It is a std::string: since C++11 a pointer to its own buffer, the length, and the buffer. */
ABI_BODY(backend_name)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {
  (void)b, (void)c, UNUSED;
  if (layout.old_string) {
    construct_old_string(result, SELF->backend_name, &(char){0});
    return;
  }
  size_t length = strnlen(SELF->backend_name, 15);
  result[0] = &result[2];
  result[1] = (void *)length;
  memcpy(&result[2], SELF->backend_name, length);
  ((char *)&result[2])[length] = 0;
}

ABI_ENTRY(call_backend_name, "hidden", backend_name)

static void call_release_unused(arrow_pool *self) { arrowpool_release_unused(self->pool); }

#define FIGURE(name)                                                                                         \
  static int64_t call_##name(const arrow_pool *self) {                                                       \
    arrowpool_stats stats = {.struct_size = offsetof(arrowpool_stats, num_reallocations)};                   \
    arrowpool_get_stats(self->pool, &stats);                                                                 \
    return stats.name;                                                                                       \
  }
FIGURE(bytes_allocated)
FIGURE(max_memory)
FIGURE(total_bytes_allocated)
FIGURE(num_allocations)

static const arrow_functions functions = ARROW_FUNCTIONS([ARROW_BACKEND_NAME] = call_backend_name);

/* ---- objects ---- */

const char *arrow_pool_prepare(const char *library) {
  void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (!handle)
    return "it is not loaded";
  void *const *proxy = dlsym(handle, "_ZTVN5arrow15ProxyMemoryPoolE");
  const char *reason =
      proxy ? arrow_layout_read(proxy + 2, &layout) : "its libarrow does not export what is needed";
  dlclose(handle);
  if (reason)
    return reason;
  construct_proxy =
      (void (*)(void *, void *))dlsym(layout.library, "_ZN5arrow15ProxyMemoryPoolC1EPNS_10MemoryPoolE");
  system_pool = (void *(*)(void))dlsym(layout.library, "_ZN5arrow18system_memory_poolEv");
  construct_old_string =
      (void (*)(void *, const char *, const void *))dlsym(layout.library, "_ZNSsC1EPKcRKSaIcE");
  if (!construct_proxy || !system_pool || (layout.old_string && !construct_old_string))
    return "its libarrow does not export what is needed";
  /* It is made once and kept, to know beforehand that errors can be told. */
  if (!arrow_status_out_of_memory(&layout, "out of memory"))
    return "its libarrow exports no constructor of errors that is known";
  arrow_layout_copy(&layout, proxy + 2, &functions, table);
  return NULL;
}

arrow_pool *arrow_pool_create(arrowpool_pool *pool, const char *backend_name) {
  arrow_pool *p = calloc(1, sizeof *p);
  if (!p)
    return NULL;
  construct_proxy(p->object, system_pool()); /* it serves virtual functions that we have not heard of */
  p->functions = &table[2];
  p->pool = pool;
  p->backend_name = backend_name;
  return p;
}

#else

const char *arrow_pool_prepare(const char *library) {
  (void)library;
  return "how C++ passes results on this processor is not known";
}

arrow_pool *arrow_pool_create(arrowpool_pool *pool, const char *backend_name) {
  (void)pool, (void)backend_name;
  return NULL;
}

#endif
