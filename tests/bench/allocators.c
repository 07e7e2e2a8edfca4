/* See allocators.h. The functions of peers that differ only in name share one wrapper: a process measures one
 * allocator, so one pointer for each of its functions is enough. */
#include "allocators.h"

#include "arrowpool.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT        64
#define MALLOCX_ALIGN_64 6 /* jemalloc: the base-2 logarithm of the alignment */

/* The peers' libraries keep thread-local data that dlopen finds room for only if asked to. */
#define STATIC_TLS                                                                                           \
  { "GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=16384" }
/* How Arrow configures the jemalloc it bundles. */
#define ARROW_CONF "oversize_threshold:0,dirty_decay_ms:1000,muzzy_decay_ms:0"

static arrowpool_pool *pool; /* kept, as a program would */

static bool pool_open(void *library) {
  (void)library;
  pool = arrowpool_jemalloc();
  return true;
}

static void *pool_allocate(size_t size) {
  uint8_t *buffer = NULL;
  arrowpool_allocate(pool, (int64_t)size, ALIGNMENT, &buffer);
  return buffer;
}

static void *pool_reallocate(void *buffer, size_t old_size, size_t new_size) {
  uint8_t *moved = buffer;
  arrowpool_status status =
      arrowpool_reallocate(pool, (int64_t)old_size, (int64_t)new_size, ALIGNMENT, &moved);
  return status == ARROWPOOL_OK ? moved : NULL;
}

static void pool_release(void *buffer, size_t size) {
  arrowpool_free(pool, buffer, (int64_t)size, ALIGNMENT);
}

static void *system_allocate(size_t size) {
  void *buffer;
  return posix_memalign(&buffer, ALIGNMENT, size) ? NULL : buffer;
}

static void system_release(void *buffer, size_t size) {
  (void)size;
  free(buffer);
}

/* What every program must do that wants aligned buffers of libc to grow. */
static void *system_reallocate(void *buffer, size_t old_size, size_t new_size) {
  void *moved = system_allocate(new_size);
  if (moved) {
    memcpy(moved, buffer, old_size < new_size ? old_size : new_size);
    free(buffer);
  }
  return moved;
}

static void *glibc_allocate(size_t size) { return malloc(size); }

static void *glibc_reallocate(void *buffer, size_t old_size, size_t new_size) {
  (void)old_size;
  return realloc(buffer, new_size);
}

static struct {
  void *(*mallocx)(size_t size, int flags);
  void *(*rallocx)(void *buffer, size_t size, int flags);
  void (*sdallocx)(void *buffer, size_t size, int flags);
} jemalloc;

static bool jemalloc_open(void *library) {
  jemalloc.mallocx = (void *(*)(size_t, int))dlsym(library, "mallocx");
  jemalloc.rallocx = (void *(*)(void *, size_t, int))dlsym(library, "rallocx");
  jemalloc.sdallocx = (void (*)(void *, size_t, int))dlsym(library, "sdallocx");
  return jemalloc.mallocx && jemalloc.rallocx && jemalloc.sdallocx;
}

static void *jemalloc_allocate(size_t size) { return jemalloc.mallocx(size, MALLOCX_ALIGN_64); }

static void *jemalloc_reallocate(void *buffer, size_t old_size, size_t new_size) {
  (void)old_size;
  return jemalloc.rallocx(buffer, new_size, MALLOCX_ALIGN_64);
}

static void jemalloc_release(void *buffer, size_t size) { jemalloc.sdallocx(buffer, size, MALLOCX_ALIGN_64); }

static struct {
  void *(*allocate)(size_t size, size_t alignment);
  void *(*reallocate)(void *buffer, size_t size, size_t alignment);
  void (*release)(void *buffer);
} mimalloc;

static bool mimalloc_open(void *library) {
  mimalloc.allocate = (void *(*)(size_t, size_t))dlsym(library, "mi_malloc_aligned");
  mimalloc.reallocate = (void *(*)(void *, size_t, size_t))dlsym(library, "mi_realloc_aligned");
  mimalloc.release = (void (*)(void *))dlsym(library, "mi_free");
  return mimalloc.allocate && mimalloc.reallocate && mimalloc.release;
}

static bool mimalloc_wheel_open(void *library) {
  mimalloc.allocate = (void *(*)(size_t, size_t))dlsym(library, "arrow_mi_malloc_aligned");
  mimalloc.reallocate = (void *(*)(void *, size_t, size_t))dlsym(library, "arrow_mi_realloc_aligned");
  mimalloc.release = (void (*)(void *))dlsym(library, "arrow_mi_free");
  return mimalloc.allocate && mimalloc.reallocate && mimalloc.release;
}

static void *mimalloc_allocate(size_t size) { return mimalloc.allocate(size, ALIGNMENT); }

static void *mimalloc_reallocate(void *buffer, size_t old_size, size_t new_size) {
  (void)old_size;
  return mimalloc.reallocate(buffer, new_size, ALIGNMENT);
}

static void mimalloc_release(void *buffer, size_t size) {
  (void)size;
  mimalloc.release(buffer);
}

static struct {
  void *(*memalign)(size_t alignment, size_t size);
  void *(*realloc)(void *buffer, size_t size);
  void (*free)(void *buffer);
} tcmalloc;

static bool tcmalloc_open(void *library) {
  tcmalloc.memalign = (void *(*)(size_t, size_t))dlsym(library, "tc_memalign");
  tcmalloc.realloc = (void *(*)(void *, size_t))dlsym(library, "tc_realloc");
  tcmalloc.free = (void (*)(void *))dlsym(library, "tc_free");
  return tcmalloc.memalign && tcmalloc.realloc && tcmalloc.free;
}

static void *tcmalloc_allocate(size_t size) { return tcmalloc.memalign(ALIGNMENT, size); }

static void *tcmalloc_reallocate(void *buffer, size_t old_size, size_t new_size) {
  (void)old_size;
  return tcmalloc.realloc(buffer, new_size);
}

static void tcmalloc_release(void *buffer, size_t size) {
  (void)size;
  tcmalloc.free(buffer);
}

#define FUNCTIONS(prefix) prefix##_allocate, prefix##_reallocate, prefix##_release
#define JEMALLOC          "libjemalloc.so.2"
#define HUGETLB                                                                                              \
  { "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1" }
#define CONF(value)                                                                                          \
  { "MALLOC_CONF", value }

/* clang-format off */
const allocator allocators[] = {
    {"arrowpool", NULL, {{0}}, pool_open, FUNCTIONS(pool), NULL},
    {"limit", NULL, {{0}}, NULL, FUNCTIONS(limit), limit_prepare_huge},
    {"limit-4k", NULL, {{0}}, NULL, FUNCTIONS(limit), limit_prepare_small},
    {"system", NULL, {{0}}, NULL, FUNCTIONS(system), NULL},
    {"glibc", NULL, {{0}}, NULL, glibc_allocate, glibc_reallocate, system_release, NULL},
    {"glibc-hugetlb", NULL, {HUGETLB}, NULL, glibc_allocate, glibc_reallocate, system_release, NULL},
    {"jemalloc", JEMALLOC, {STATIC_TLS}, jemalloc_open, FUNCTIONS(jemalloc), NULL},
    {"jemalloc-arrow", JEMALLOC, {STATIC_TLS, CONF(ARROW_CONF)}, jemalloc_open, FUNCTIONS(jemalloc), NULL},
    {"jemalloc-arrow-thp", JEMALLOC, {STATIC_TLS, CONF(ARROW_CONF ",thp:always")}, jemalloc_open, FUNCTIONS(jemalloc), NULL},
    {"mimalloc", "libmimalloc.so.2", {STATIC_TLS}, mimalloc_open, FUNCTIONS(mimalloc), NULL},
    {"mimalloc-wheel", "$BENCH_LIBARROW", {STATIC_TLS}, mimalloc_wheel_open, FUNCTIONS(mimalloc), NULL},
    {"tcmalloc", "libtcmalloc_minimal.so.4", {STATIC_TLS}, tcmalloc_open, FUNCTIONS(tcmalloc), NULL},
};
/* clang-format on */
const unsigned allocators_count = sizeof allocators / sizeof *allocators;

const allocator *allocators_find(const char *name) {
  for (unsigned i = 0; i < allocators_count; i++)
    if (!strcmp(allocators[i].name, name))
      return &allocators[i];
  return NULL;
}

bool allocators_open(const allocator *chosen) {
  if (!chosen->library)
    return !chosen->open || chosen->open(NULL);
  const char *file = *chosen->library == '$' ? getenv(chosen->library + 1) : chosen->library;
  if (!file) {
    fprintf(stderr, "bench: %s: set %s to the libarrow of a pyarrow wheel\n", chosen->name,
            chosen->library + 1);
    return false;
  }
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library || !chosen->open(library)) {
    const char *reason = library ? "lacks the functions asked for" : dlerror();
    fprintf(stderr, "bench: %s is not available: %s\n", chosen->name, reason);
    return false;
  }
  return true;
}
