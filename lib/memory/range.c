/* Reserves the range, places it, and carves and commits its windows. */
#include "memory/range.h"

#include "base/locks.h"
#include "base/mman.h"
#include "base/random.h"
#include "base/round_up.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define LARGEST ((size_t)1 << 40) /* ThreadSanitizer's shadow has no room for more */
#else
#define LARGEST ((size_t)1 << 45) /* this is a quarter of a 47-bit address space: the host keeps the rest */
#endif
#define SMALLEST  ((size_t)64 << 20)
#define BATCH_MAX ((size_t)16 << 20)
#define BATCH_MIN ((size_t)1 << 20)
#define SCATTER   ((size_t)64 << 30) /* the most between two windows */

range_bounds range_all = {.low = (uintptr_t)1 << (sizeof(uintptr_t) * 8 - 1), .span = 0};

static char *next_window, *range_end;
static size_t carve_alignment;
static _Atomic bool frugal, limited;
size_t range_page;

size_t range_kernel_number(const char *path, size_t otherwise) {
  char text[32];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return otherwise;
  ssize_t length = read(fd, text, sizeof text);
  close(fd);
  if (length < 1 || text[0] < '0' || text[0] > '9')
    return otherwise;
  size_t number = 0;
  for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
    number = number * 10 + (size_t)(text[i] - '0');
  return number;
}

static bool range_read_limit(int resource, struct rlimit *out) {
  return getrlimit(resource, out) == 0 && out->rlim_cur != RLIM_INFINITY;
}

/* Returns the largest size that the range may have: at most a quarter of the address space that RLIMIT_AS
 * leaves. */
static size_t size_allowed(void) {
  struct rlimit limit;
  if (!range_read_limit(RLIMIT_AS, &limit))
    return LARGEST;
  size_t page = getauxval(AT_PAGESZ);
  size_t used = range_kernel_number("/proc/self/statm", limit.rlim_cur / page / 2) * page;
  size_t left = limit.rlim_cur > used ? (limit.rlim_cur - used) / 4 : 0;
  return left < LARGEST ? left : LARGEST;
}

/* ---- where it lies ---- */

static uint64_t random_state;

static void seed(void) {
  struct timespec now;
  if (syscall(SYS_getrandom, &random_state, sizeof random_state, 1 /* GRND_NONBLOCK */) ==
      (long)sizeof random_state)
    return;
  clock_gettime(CLOCK_MONOTONIC, &now);
  random_state = (uintptr_t)&now ^ (uint64_t)now.tv_nsec << 32; /* the stack's place is random, too */
}

/* Returns a random multiple of `step` (bytes, a power of two) below `bound`; 0 if that is the only one. */
static size_t random_multiple(size_t bound, size_t step) {
  uint64_t number = random_next(&random_state);
  return bound > step ? number % (bound / step) * step : 0;
}

/* Returns where to ask for the range; NULL means wherever the kernel likes. From a quarter of the addresses
 * to two thirds of them nobody maps anything by himself: above are programs (at two thirds), sanitizers' and
 * Seastar's memory at 0x600000000000, and what the kernel hands out, from the top down; below are Java's
 * heaps. So much is free between us and that top that the kernel would take a gap of ours last of all. */
static void *random_place(size_t size) {
#if defined(__SANITIZE_THREAD__)
  return NULL; /* ThreadSanitizer has places for everything */
#endif
  char here;
  size_t top = (size_t)1 << (64 - __builtin_clzl((uintptr_t)&here)), low = top / 4, high = top / 3 * 2;
  return size < high - low ? (void *)(low + random_multiple(high - low - size, carve_alignment)) : NULL;
}

/* Reserves addresses past libc's mmap: profilers that stand in for it would count the whole range as used. */
static char *reserve(size_t size) {
  long base = syscall(SYS_mmap, random_place(size), size, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
  return base == -1 ? NULL : (char *)base; /* NOLINT(performance-no-int-to-ptr) */
}

bool range_reserve(void) {
  range_page = RANGE_UNIT; /* it is set here because constructors of the host's libraries run before ours */
  if (getauxval(AT_PAGESZ) > range_page)
    return false;
  struct rlimit limit;
  frugal =
      range_read_limit(RLIMIT_DATA, &limit) || range_kernel_number("/proc/sys/vm/overcommit_memory", 0) == 2;
  limited = frugal || range_read_limit(RLIMIT_AS, &limit);
  seed();
  bool refused = false;
  for (size_t size = size_allowed(); size >= SMALLEST; size /= 2) {
    /* Whole gigabytes move by page-directory entries; a small range cannot afford the alignment. */
    carve_alignment = (size_t)(size >= (size_t)64 << 30 ? 1 << 30 : 2 << 20);
    size &= ~(carve_alignment - 1);
    char *base = reserve(size);
    if (!base) {
      refused = true;
      continue;
    }
    /* Where addresses are few, the largest range that fits may be nearly all of them: half of it is enough.
     */
    if (refused && size / 2 >= SMALLEST) {
      syscall(SYS_munmap, base + size / 2, size / 2);
      size /= 2;
    }
    madvise(base, size, MADV_DONTDUMP); /* debuggers would save even what has no access */
    next_window = (char *)round_up((uintptr_t)base, carve_alignment);
    range_end = base + size;
    atomic_store_explicit(&range_all.span, size, memory_order_relaxed);
    atomic_store_explicit(&range_all.low, (uintptr_t)base, memory_order_release);
    return true;
  }
  return false;
}

/* ---- its parts ---- */

bool range_is_frugal(void) { return atomic_load_explicit(&frugal, memory_order_relaxed); }

bool range_is_limited(void) { return atomic_load_explicit(&limited, memory_order_relaxed); }

/* A limit that was set after the start shows by what it refuses. */
void range_note_refusal(void) { limited = true; }

size_t range_alignment(void) { return carve_alignment; }

size_t range_uncarved(void) { return (size_t)(range_end - next_window); }

void range_advise_uncarved(int advice) { madvise(next_window, range_uncarved(), advice); }

bool range_carve(range_window *window, size_t size, size_t alignment) {
  size_t most = size / 32 < SCATTER ? size / 32 : SCATTER;
  size_t start =
      round_up((uintptr_t)next_window, alignment) - (uintptr_t)next_window + random_multiple(most, alignment);
  size = round_up(size, alignment);
  if (start > range_uncarved() || size > range_uncarved() - start)
    return false;
  window->base = next_window + start;
  window->size = size;
  next_window += start + size;
  return true;
}

bool range_make_writable(void *from, size_t size) {
  int saved = errno;
  bool done = mprotect(from, size, PROT_READ | PROT_WRITE) == 0;
  if (done)
    madvise(from, size, MADV_DODUMP);
  else
    frugal = limited = true;
  errno = saved;
  return done;
}

bool range_release_pages(void *from, size_t size) {
  int saved = errno;
  bool done = madvise(from, size, MADV_DONTNEED) == 0 ||
              madvise(from, size, MADV_DONTNEED_LOCKED) == 0; /* this serves a host that called mlockall */
  errno = saved;
  return done;
}

void range_release_lazily(void *from, size_t size) {
  int saved = errno;
  madvise(from, size, MADV_FREE);
  errno = saved;
}

bool range_commit(range_window *window, size_t upto) {
  if (upto <= atomic_load_explicit(&window->writable, memory_order_acquire))
    return true;
  locks_acquire(LOCK_RANGE);
  size_t writable = atomic_load_explicit(&window->writable, memory_order_relaxed), want = writable;
  if (upto > writable) {
    size_t exact = round_up(upto, range_page), batch = writable < BATCH_MAX ? writable : BATCH_MAX;
    want = range_is_frugal() ? exact : exact + (batch > BATCH_MIN ? batch : BATCH_MIN);
    if (want > window->size)
      want = window->size;
    if (!range_make_writable(window->base + writable, want - writable)) {
      want = exact;
      if (!range_make_writable(window->base + writable, want - writable))
        want = writable;
    }
    atomic_store_explicit(&window->writable, want, memory_order_release);
  }
  locks_release(LOCK_RANGE);
  return upto <= want;
}
