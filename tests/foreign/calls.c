/* Counts which library asks for how many bytes by which kind of function, as a preload; for carriers.py. It
 * is a measuring device of the tests, not of the project: it serves nothing, and passes everything on.
 *
 * A call is counted by the page that it comes from. Which library that is in is looked up at the end, so that
 * nothing here takes the loader's lock. At exit a line for each library goes to the file that CALLS_OUT
 * names, with the process behind it: its path, the bytes by malloc, calloc, realloc and new, and those by
 * aligned functions, which the shim's libc hook serves. A growth counts what it adds, as the pools do. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define CALLER ((uintptr_t)__builtin_return_address(0))
#define PLACES ((size_t)1 << 18)

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_memalign(size_t, size_t);
static void *(*real_realloc)(void *, size_t);

typedef struct place {
  _Atomic uintptr_t page;
  _Atomic uint64_t plain, aligned;
} place;
static place places[PLACES];

static place *find(uintptr_t caller) {
  uintptr_t page = caller >> 12;
  for (size_t i = page * 0x9e3779b97f4a7c15u >> 46;; i = (i + 1) % PLACES) {
    uintptr_t there = atomic_load_explicit(&places[i].page, memory_order_relaxed);
    if (there == page || (!there && atomic_compare_exchange_strong(&places[i].page, &there, page)) ||
        there == page)
      return &places[i];
  }
}

static void *plain(void *block, size_t size, uintptr_t caller) {
  if (block)
    atomic_fetch_add_explicit(&find(caller)->plain, size, memory_order_relaxed);
  return block;
}

static void *aligned(void *block, size_t size, uintptr_t caller) {
  if (block)
    atomic_fetch_add_explicit(&find(caller)->aligned, size, memory_order_relaxed);
  return block;
}

EXPORT void *malloc(size_t size) { return plain(__libc_malloc(size), size, CALLER); }
EXPORT void *calloc(size_t count, size_t size) {
  return plain(__libc_calloc(count, size), count * size, CALLER);
}
EXPORT void *realloc(void *block, size_t size) {
  size_t old = block ? malloc_usable_size(block) : 0;
  if (!real_realloc)
    *(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
  return plain(real_realloc(block, size), size > old ? size - old : 0, CALLER);
}

/* Whether the shim is behind this or before it: they go on to whoever comes next. */
static void *next_aligned(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }

EXPORT int posix_memalign(void **out, size_t alignment, size_t size) {
  int before = errno;
  void *block = aligned(next_aligned(alignment, size), size, CALLER);
  errno = before;
  if (!block)
    return ENOMEM;
  *out = block;
  return 0;
}
EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  return aligned(next_aligned(alignment, size), size, CALLER);
}
EXPORT void *memalign(size_t alignment, size_t size) {
  return aligned(next_aligned(alignment, size), size, CALLER);
}

/* operator new, which would otherwise count as libstdc++'s; it does not throw here. */
static void *must(void *block) {
  if (!block)
    abort();
  return block;
}
EXPORT void *_Znwm(size_t size) { return must(plain(__libc_malloc(size), size, CALLER)); }
EXPORT void *_Znam(size_t size) { return must(plain(__libc_malloc(size), size, CALLER)); }
EXPORT void *_ZnwmSt11align_val_t(size_t size, size_t alignment) {
  return must(aligned(next_aligned(alignment, size), size, CALLER));
}
EXPORT void *_ZnamSt11align_val_t(size_t size, size_t alignment) {
  return must(aligned(next_aligned(alignment, size), size, CALLER));
}

__attribute__((destructor)) static void write_all(void) {
  const char *name = getenv("CALLS_OUT");
  char path[4096];
  if (!name)
    return;
  snprintf(path, sizeof path, "%s.%d", name, (int)getpid());
  FILE *out = fopen(path, "w");
  for (size_t i = 0; out && i < PLACES; i++) {
    Dl_info info;
    if (places[i].page && dladdr((void *)(places[i].page << 12), &info) && info.dli_fname)
      fprintf(out, "%s\t%llu\t%llu\n", info.dli_fname, (unsigned long long)places[i].plain,
              (unsigned long long)places[i].aligned);
  }
  if (out)
    fclose(out);
}
