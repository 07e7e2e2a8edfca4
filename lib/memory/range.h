/* The one reserved range of addresses that holds everything our jemalloc hands out.
 *
 * Two comparisons here decide who owns a pointer. The range is reserved once, at a random place and without
 * access; windows of it are carved at start and become writable from their bottom, in batches: a writable
 * range would make core dumps slow and mlockall resident. No address is ever given back, and none may become
 * unmapped: the kernel could hand it to somebody else, whom we would take for ourselves. range_reserve and
 * range_carve run while the backend starts, under LOCK_START. */
#ifndef ARROWPOOL_MEMORY_RANGE_H
#define ARROWPOOL_MEMORY_RANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct range_bounds {
  _Atomic uintptr_t low; /* until there is a range it lies beyond any pointer, so that nothing is owned */
  _Atomic size_t span;   /* bytes */
} range_bounds;
extern range_bounds range_all;

/* A window is a part of the range. Its first `writable` bytes can be used. */
typedef struct range_window {
  char *base;
  size_t size;
  _Atomic size_t writable; /* it only grows, under LOCK_RANGE */
} range_window;

/* These count and find the stretches that the kernel took from us and would not give back: whatever lies
 * there is somebody else's. */
extern _Atomic unsigned range_losses;
bool range_is_lost(const void *pointer);

/* Returns whether the range spans the pointer. It is for what a backend has handed out, which is never lost.
 */
static inline bool range_spans(const void *pointer) {
  uintptr_t low = atomic_load_explicit(&range_all.low, memory_order_relaxed);
  return (uintptr_t)pointer - low < atomic_load_explicit(&range_all.span, memory_order_relaxed);
}

static inline bool range_owns(const void *pointer) {
  return range_spans(pointer) && __builtin_expect(!range_losses || !range_is_lost(pointer), 1);
}

/* Returns whether so many bytes could lie in the range at all. */
static inline bool range_may_hold(size_t size) {
  return size <= atomic_load_explicit(&range_all.span, memory_order_relaxed);
}

/* Returns whether the window holds the pointer, by two comparisons; it holds neither NULL nor anything else
 * outside. */
static inline bool range_window_holds(const range_window *window, const void *pointer) {
  return (uintptr_t)pointer - (uintptr_t)window->base < window->size;
}

/* Reserves the range. Returns false if not even a small one is to be had, or the kernel's pages are too
 * large. */
bool range_reserve(void);

/* The least unit in which pages are asked for and given back (bytes) is jemalloc's page as it was configured,
 * in subprojects/packagefiles. Outside of x86-64 kernels differ in theirs, and one binary serves all of them.
 */
#if defined(__x86_64__)
#define RANGE_UNIT ((size_t)4 << 10)
#else
#define RANGE_UNIT ((size_t)64 << 10)
#endif

/* The same unit, known once the range is reserved. It is a variable so that tests can try larger ones. */
extern size_t range_page;
static inline size_t range_page_size(void) { return range_page; }

/* Returns whether writable addresses are charged (RLIMIT_DATA, strict overcommit): then exactly what is used
 * is committed. */
bool range_is_frugal(void);

/* Returns whether the kernel may refuse addresses, since there is a limit of that kind or it has refused some
 * already. It makes no system call of its own: a sandbox may allow none but those that an allocator needs. */
bool range_is_limited(void);
void range_note_refusal(void);

/* Returns whether all of a stretch is mapped. */
bool range_is_mapped(const void *from, size_t size);

/* Returns whether one mapping holds the whole stretch: what a program does to a part of a buffer splits it.
 */
bool range_is_one_mapping(void *from, size_t size);

/* Returns the bytes of the range that are not carved yet. */
size_t range_uncarved(void);

/* Gives the kernel an advice (madvise) about all windows that are to be carved. */
void range_advise_uncarved(int advice);

/* Returns the most that windows can be aligned to (bytes). */
size_t range_alignment(void);

/* Cuts the next window off the range, at a random distance from the one before. `alignment` (bytes, a power
 * of two) is of its base and its size, and at most range_alignment(). Returns false if it does not fit. */
bool range_carve(range_window *window, size_t size, size_t alignment);

/* Makes the first `upto` bytes of a window writable (bytes, at most its size). Returns false if the kernel
 * refuses. */
bool range_commit(range_window *window, size_t upto);

/* The next two keep errno: they work inside allocations that succeed. */

/* Makes a stretch of whole pages writable. Returns false if the kernel refuses. */
bool range_make_writable(void *from, size_t size);

/* Gives the pages of a writable stretch back to the kernel; they read as zeros afterwards. Returns false if
 * the kernel refuses; then they are as they were. */
bool range_release_pages(void *from, size_t size);

/* Lets the kernel take the pages of a writable stretch as soon as it is short of memory, and not before.
 * Until they are written again they read as zeros or as what they held. A kernel that refuses leaves them as
 * they were. It keeps errno. */
void range_release_lazily(void *from, size_t size);

/* range_state says what has become of a stretch of whole pages; the worst state of its parts counts. */
typedef enum range_state {
  RANGE_AS_WAS, /* it is mapped, and nothing has changed */
  RANGE_FRESH,  /* it is writable, and reads as zeros */
  RANGE_CLOSED, /* it has no access: range_make_writable may give it back */
  RANGE_LOST    /* it is not ours any more */
} range_state;

/* Puts fresh pages in place of whatever is mapped there. */
range_state range_renew(void *from, size_t size);

/* Puts fresh pages only in the gaps that a failed system call may have left: what is mapped stays as it is.
 */
range_state range_fill_gaps(void *from, size_t size);

/* Returns the number that a file of the kernel's begins with; `otherwise` if it cannot be read. */
size_t range_kernel_number(const char *path, size_t otherwise);

#endif
