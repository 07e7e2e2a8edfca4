/* Sees what the program does to the pages of its buffers, where it asks the C library for it: access rights,
 * what a child gets of them, locks, and other mappings in their place. The C library unmaps a large block
 * when it is freed; our slots keep theirs, so one that was changed has to be known.
 *
 * Calls of our own pass on unnoticed, and so does all that is not of the range. No address of the range is
 * ever given up: what the program unmaps there loses its pages and its access instead. Nothing is locked:
 * handlers of signals call this. Until the constructor has run, calls go straight to the kernel. */
#undef _FILE_OFFSET_BITS /* both names of mmap are defined here */
#include "base/mman.h"
#include "memory/backend.h"
#include "memory/range.h"
#include "shim/next.h"

#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default"), noinline))

/* This library lies from the first of these to the second. The names are the linker's:
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Returns whether the call is a program's own and is about a page of a buffer. */
static inline bool concerns_us(const void *address, const void *caller) {
  return __builtin_expect(range_owns(address), 0) &&
         (uintptr_t)caller - (uintptr_t)__ehdr_start >= (uintptr_t)_end - (uintptr_t)__ehdr_start;
}
#define CONCERNS_US(address) concerns_us(address, __builtin_return_address(0))

/* Returns whether the advice changes no more than the pages themselves. */
static bool is_passing(int advice) {
  static const int passing[] = {MADV_WILLNEED, MADV_DONTNEED, MADV_FREE,          MADV_REMOVE,
                                MADV_COLD,     MADV_PAGEOUT,  MADV_POPULATE_READ, MADV_POPULATE_WRITE};
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
    if (advice == passing[i])
      return true;
  return false;
}

/* X(return type, name, parameters, arguments, whether it changes the mapping): each function passes on to the
 * one behind us, after what it changes was noted. */
#define NOTED_FUNCTIONS(X)                                                                                   \
  X(int, mprotect, (void *address, size_t size, int access), (address, size, access), true)                  \
  X(int, pkey_mprotect, (void *address, size_t size, int access, int key), (address, size, access, key),     \
    true)                                                                                                    \
  X(int, madvise, (void *address, size_t size, int advice), (address, size, advice), !is_passing(advice))    \
  X(int, mlock, (const void *address, size_t size), (address, size), true)                                   \
  X(int, mlock2, (const void *address, size_t size, unsigned flags), (address, size, flags), true)           \
  X(void *, mmap, (void *address, size_t size, int access, int flags, int file, off_t offset),               \
    (address, size, access, flags, file, offset), flags &MAP_FIXED)

#define PAGE_FUNCTIONS(X)                                                                                    \
  NOTED_FUNCTIONS(X)                                                                                         \
  X(int, munmap, (void *address, size_t size), (address, size), true)                                        \
  X(void *, mremap, (void *address, size_t size, size_t new_size, int flags, void *target),                  \
    (address, size, new_size, flags, target), true)

#define UNPACK(...) __VA_ARGS__
#define X(type, name, parameters, arguments, changes)                                                        \
  static type(*next_##name) parameters;                                                                      \
  static inline __attribute__((always_inline)) type pass_##name parameters {                                 \
    return next_##name ? next_##name arguments : (type)syscall(SYS_##name, UNPACK arguments);                \
  }
PAGE_FUNCTIONS(X)
#undef X

__attribute__((constructor(101))) static void resolve(void) {
#define X(type, name, parameters, arguments, changes) next_##name = (type(*) parameters)next_symbol(#name);
  PAGE_FUNCTIONS(X)
#undef X
}

/* Maps addresses without access in place of a gap. */
static bool keep_addresses(void *address, size_t size) {
  return pass_mmap(address, size, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                   0) != MAP_FAILED;
}

#define X(type, name, parameters, arguments, changes)                                                        \
  EXPORT type name parameters {                                                                              \
    if (CONCERNS_US(address) && (changes))                                                                   \
      backend_jemalloc_note_altered(address, size);                                                          \
    return pass_##name arguments;                                                                            \
  }
NOTED_FUNCTIONS(X)
#undef X

EXPORT void *mmap64(void *address, size_t size, int access, int flags, int file, off_t offset)
    __attribute__((alias("mmap")));

EXPORT int munmap(void *address, size_t size) {
  if (!CONCERNS_US(address) || !size || !range_owns((char *)address + size - 1))
    return pass_munmap(address, size);
  backend_jemalloc_note_altered(address, size);
  return keep_addresses(address, size) ? 0 : -1;
}

static void *move_mapping(void *address, size_t size, size_t new_size, int flags, void *target) {
  backend_jemalloc_note_altered(address, size);
  if (flags & MREMAP_FIXED)
    backend_jemalloc_note_altered(target, new_size);
  char *moved = pass_mremap(address, size, new_size, flags, target), *old = address;
  size_t kept = moved == old && new_size < size ? new_size : 0;
  if (moved != MAP_FAILED && (moved != old || kept) && !(flags & MREMAP_DONTUNMAP))
    keep_addresses(old + kept, size - kept);
  return moved;
}

EXPORT void *mremap(void *address, size_t size, size_t new_size, int flags, ...) {
  va_list list;
  va_start(list, flags);
  void *target = (flags & MREMAP_FIXED) ? va_arg(list, void *) : NULL;
  va_end(list);
  return CONCERNS_US(address) || CONCERNS_US(target) ? move_mapping(address, size, new_size, flags, target)
                                                     : pass_mremap(address, size, new_size, flags, target);
}
