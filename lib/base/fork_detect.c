/* Implements fork detection with MADV_WIPEONFORK: a flag in such memory reads as zero in a child. */
#include "base/fork_detect.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define STEP ((size_t)64 << 10)

enum { EMPTIED, CLAIMED, OWN };

static _Atomic int *flag; /* the flag lies in memory that is wiped; NULL means that there is none */

static char *map_emptied(void) {
  int saved = errno;
  char *fresh = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh != MAP_FAILED && madvise(fresh, STEP, MADV_WIPEONFORK) == 0)
    return fresh;
  if (fresh != MAP_FAILED)
    munmap(fresh, STEP);
  errno = saved;
  return NULL;
}

static char *next, *end;

static void *fork_detect_map(size_t size) {
  size = (size + 63) & ~(size_t)63;
  if ((size_t)(end - next) < size) {
    char *fresh = map_emptied();
    if (!fresh)
      return NULL;
    next = fresh;
    end = fresh + STEP;
  }
  next += size;
  return next - size;
}

_Atomic int *fork_detect_new_flag(void) {
  _Atomic int *fresh = (_Atomic int *)(void *)map_emptied();
  if (fresh)
    *fresh = 1;
  return fresh;
}

void fork_detect_start(void) {
  flag = fork_detect_map(sizeof *flag);
  fork_detect_renew();
}

bool fork_detect_is_own(void) { return !flag || atomic_load_explicit(flag, memory_order_acquire) == OWN; }

bool fork_detect_claim(void) {
  int emptied = EMPTIED;
  if (atomic_compare_exchange_strong(flag, &emptied, CLAIMED))
    return true;
  while (!fork_detect_is_own())
    sched_yield();
  return false;
}

void fork_detect_renew(void) {
  if (flag)
    atomic_store_explicit(flag, OWN, memory_order_release);
}

void *fork_detect_take(size_t size) { return flag ? fork_detect_map(size) : NULL; }
