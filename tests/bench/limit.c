/* The limit no allocator can beat: each buffer is mapped at its final size beforehand, aligned for huge
 * pages, so that growing it is no call at all and what remains is writing to fresh memory.
 *
 * Invariant: buffers are handed out one after the other and all given back before the next round, as the
 * cases do it. Called by one thread. */
#include "allocators.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static struct {
  char *base;
  size_t stride;
  unsigned buffers, taken;
} area;

static bool prepare(size_t size, unsigned buffers, int advice) {
  area.stride = (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
  size_t total = area.stride * buffers;
  char *mapped = mmap(NULL, total + HUGE_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED)
    return false;
  area.base = mapped + (-(uintptr_t)mapped & (HUGE_PAGE - 1));
  area.buffers = buffers;
  area.taken = 0;
  madvise(area.base, total, advice); /* without huge pages in the kernel both limits are the same */
  return true;
}

bool limit_prepare_huge(size_t size, unsigned buffers) { return prepare(size, buffers, MADV_HUGEPAGE); }

bool limit_prepare_small(size_t size, unsigned buffers) { return prepare(size, buffers, MADV_NOHUGEPAGE); }

void *limit_allocate(size_t size) {
  return size <= area.stride && area.taken < area.buffers ? area.base + area.stride * area.taken++ : NULL;
}

void *limit_reallocate(void *buffer, size_t old_size, size_t new_size) {
  (void)old_size;
  return new_size <= area.stride ? buffer : NULL;
}

void limit_release(void *buffer, size_t size) {
  (void)buffer;
  (void)size;
  area.taken--;
}
