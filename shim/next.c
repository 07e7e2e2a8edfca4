/* Resolves the functions behind us, serves dlsym meanwhile, and chooses how the backend calls the allocator
 * behind us. */
#include "shim/next.h"

#include "base/round_up.h"
#include "base/thread_own.h"
#include "memory/system_calls.h"
#include "shim/libraries.h"
#include "shim/owners.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/* ---- while dlsym works ---- */

static char boot[32768];
static _Atomic size_t boot_used;

/* It is volatile: glibc declares dlsym a leaf, so the compiler would drop a plain guard around it. */
static __thread volatile bool resolving;

static bool is_boot(const void *buffer) { return (uintptr_t)buffer - (uintptr_t)boot < sizeof boot; }

static void *boot_allocate(size_t size, size_t alignment) {
  const uintptr_t base = (uintptr_t)boot;
  size_t used = atomic_load(&boot_used), start;
  do {
    start = round_up(base + used, alignment) - base;
    if (start > sizeof boot || size > sizeof boot - start)
      return NULL;
  } while (!atomic_compare_exchange_weak(&boot_used, &used, start + size));
  return boot + start;
}

static void *boot_aligned(size_t alignment, size_t size) {
  return boot_allocate(size, alignment > sizeof(max_align_t) ? alignment : sizeof(max_align_t));
}

/* The kernel told the page size when it started the program; libc, which could allocate, is not asked. */
static void *boot_page_aligned(size_t size, bool whole_pages) {
  size_t page = getauxval(AT_PAGESZ);
  return boot_aligned(page, whole_pages ? round_up(size, page) : size);
}

static void *boot_reallocate(void *buffer, size_t size) {
  void *moved = boot_aligned(0, size);
  if (moved && buffer && is_boot(buffer)) {
    size_t most = (size_t)(boot + sizeof boot - (char *)buffer);
    memcpy(moved, buffer, size < most ? size : most);
  }
  return moved;
}

static void *boot_reallocarray(void *buffer, size_t count, size_t size) {
  size_t total;
  return __builtin_mul_overflow(count, size, &total) ? NULL : boot_reallocate(buffer, total);
}

/* ---- resolving ---- */

/* Returns a function of the malloc family, as a program finds it that was linked with the C library. */
static void *family_symbol(void *scope, const char *name) {
  bool nested = resolving;
  int saved = errno;
  resolving = true;
  void *symbol = scope == RTLD_DEFAULT ? owners_seen(name) : owners_symbol(scope, name);
  resolving = nested;
  errno = saved;
  return symbol;
}

void *next_symbol(const char *name) {
  bool nested = resolving;
  int saved = errno;
  resolving = true;
  void *symbol = dlsym(RTLD_NEXT, name);
  if (!symbol)
    /* A pending message would be freed, by way of us, at the next failure. */
    dlerror(); /* NOLINT(concurrency-mt-unsafe): glibc keeps a message for each thread */
  resolving = nested;
  errno = saved;
  return symbol;
}

static bool next_is_ours(const void *symbol) { return owners_same(symbol, boot); }

/* Returns what a loaded library and those it needs define under that name; NULL if there is nothing, or our
 * own. */
static void *symbol_of_library(const char *name, const char *file) {
  void *symbol = NULL, *library = dlopen(file, RTLD_LAZY | RTLD_NOLOAD);
  if (library) {
    symbol = dlsym(library, name);
    dlclose(library);
  }
  if (!symbol)
    dlerror(); /* NOLINT(concurrency-mt-unsafe): as above */
  return symbol && !next_is_ours(symbol) ? symbol : NULL;
}

/* Returns the one definition among all libraries that are loaded; NULL if there is none, or several. */
static void *only_symbol(const char *name) {
  void *found = NULL;
  libraries_iterator library = {0};
  while (libraries_next(&library)) {
    void *symbol = *library.file ? symbol_of_library(name, library.file) : NULL;
    if (symbol && found && symbol != found)
      return NULL;
    found = symbol ? symbol : found;
  }
  return found;
}

void *next_symbol_of_caller(const char *name, const void *caller) {
  Dl_info info;
  void *symbol = NULL;
  int saved = errno;
  if (dladdr(caller, &info) && info.dli_fname)
    symbol = symbol_of_library(name, info.dli_fname);
  if (!symbol)
    symbol = next_symbol(name);
  if (!symbol) /* a function that ends in a jump to us leaves its own caller's address */
    symbol = only_symbol(name);
  errno = saved;
  return symbol && !next_is_ours(symbol) ? symbol : NULL;
}

static void free_with_boot(void *buffer) {
  void (*real)(void *) = (void (*)(void *))family_symbol(RTLD_NEXT, "free");
  if (!is_boot(buffer) && real)
    real(buffer);
}

#define SET(pointer, symbol) __atomic_store_n((void **)&(pointer), symbol, __ATOMIC_RELAXED)

static void resolve(void) {
  void *symbol;
#define X(type, name, parameters, arguments)                                                                 \
  if ((symbol = family_symbol(RTLD_NEXT, #name)) != NULL)                                                    \
    SET(next.name, symbol);
  NEXT_FUNCTIONS(X)
#undef X
  /* Whoever frees what the static buffer served must not reach the next allocator with it. */
  symbol = boot_used ? (void *)free_with_boot : family_symbol(RTLD_NEXT, "free");
  if (symbol)
    SET(next.free, symbol);
}

static bool by_name; /* how the backend calls: see "the backend's view" */
static struct {
  int (*posix_memalign)(void **out, size_t alignment, size_t size);
  void *(*realloc)(void *buffer, size_t size);
  void (*free)(void *buffer);
  size_t (*malloc_usable_size)(void *buffer);
} libc; /* set where neither the names nor the next functions are one library's; else NULL */

/* Returns the address of the first function if one and the same library answers to the first `count`, else
 * NULL: what one library hands out, another cannot free. */
static void *only_owner(void *scope, size_t count) {
  static const char *const names[] = {"posix_memalign", "realloc", "free", "malloc_usable_size"};
  void *first = family_symbol(scope, names[0]);
  for (size_t i = 1; first && i < count; i++)
    if (!owners_same(first, family_symbol(scope, names[i])))
      return NULL;
  return first;
}

/* Finds the allocator that the backend calls. A profiler that stands before us may leave sizes to the
 * allocator behind it, as heaptrack does. */
static void find_allocator(void) {
  void *seen = only_owner(RTLD_DEFAULT, 3), *behind = only_owner(RTLD_NEXT, 4);
  by_name = seen && (behind || !next_is_ours(seen));
  void *handle = by_name || behind ? NULL : dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  const void *serves = by_name && !next_is_ours(seen) ? seen : behind;
  system_moves_pages = handle || (serves && owners_same(serves, (const void *)gnu_get_libc_version));
  if (!handle)
    return;
  SET(libc.posix_memalign, family_symbol(handle, "posix_memalign"));
  SET(libc.realloc, family_symbol(handle, "realloc"));
  SET(libc.malloc_usable_size, family_symbol(handle, "malloc_usable_size"));
  SET(libc.free, family_symbol(handle, "free"));
}

void next_resolve_optional(void) {
  resolve();
  SET(next._exit, next_symbol("_exit"));
  SET(next.abort, next_symbol("abort"));
  SET(next.dlopen, next_symbol("dlopen"));
  find_allocator();
}

/* ---- the stubs the pointers start with ---- */

/* These serve a call that comes from within dlsym. */
static int boot_posix_memalign(void **out, size_t alignment, size_t size) {
  void *buffer = boot_aligned(alignment, size);
  if (buffer)
    *out = buffer;
  return buffer ? 0 : ENOMEM;
}
#define boot_aligned_alloc(alignment, size) boot_aligned(alignment, size)
#define boot_memalign(alignment, size)      boot_aligned(alignment, size)
#define boot_valloc(size)                   boot_page_aligned(size, false)
#define boot_pvalloc(size)                  boot_page_aligned(size, true)
#define boot_realloc(buffer, size)          boot_reallocate(buffer, size)
#define boot_malloc_usable_size(buffer)     ((void)(buffer), (size_t)0)

#define X(type, name, parameters, arguments)                                                                 \
  static type first_##name parameters {                                                                      \
    if (!resolving)                                                                                          \
      resolve();                                                                                             \
    if (resolving || next.name == first_##name)                                                              \
      return boot_##name arguments;                                                                          \
    return next.name arguments;                                                                              \
  }
NEXT_FUNCTIONS(X)
#undef X

static void first_free(void *buffer) {
  if (resolving || is_boot(buffer))
    return;
  resolve();
  if (next.free != first_free)
    next.free(buffer);
}

next_functions next = {
#define X(type, name, parameters, arguments) .name = first_##name,
    NEXT_FUNCTIONS(X)
#undef X
        .free = first_free,
};

/* ---- the backend's view ----
 *
 * The backend calls the allocator by name, as any library does: then a profiler that stands before us
 * (heaptrack), or that redirects what libraries call (memray), sees Arrow's buffers like all others, and what
 * serves malloc serves them, also if it stands before us. The call comes back to our own hook, which has to
 * let it pass. */

static int call_posix_memalign(void **out, size_t alignment, size_t size) {
  if (!by_name)
    return (libc.posix_memalign ? libc.posix_memalign : next.posix_memalign)(out, alignment, size);
  bool nested = thread_own_data.own_call_passes;
  thread_own_data.own_call_passes = true;
  int error = posix_memalign(out, alignment, size);
  thread_own_data.own_call_passes = nested;
  return error;
}
static void *call_realloc(void *buffer, size_t size) {
  return by_name ? realloc(buffer, size) : (libc.realloc ? libc.realloc : next.realloc)(buffer, size);
}
static void call_free(void *buffer) {
  if (by_name)
    free(buffer);
  else
    (libc.free ? libc.free : next.free)(buffer);
}
static size_t call_malloc_usable_size(void *buffer) {
  return by_name ? malloc_usable_size(buffer)
                 : (libc.malloc_usable_size ? libc.malloc_usable_size : next.malloc_usable_size)(buffer);
}

bool system_moves_pages;

const system_calls system_allocator = {call_posix_memalign, call_realloc, call_free, call_malloc_usable_size,
                                       malloc_trim};
