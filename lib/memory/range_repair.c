/* Replaces the mappings of stretches, and closes the gaps that failed system calls leave (range.h).
 *
 * mremap and, on older kernels, mmap unmap their target before they find that a limit stands in their way.
 * Such a gap is closed at once: with writable pages, or with addresses that have no access, which most limits
 * do not count. Where the kernel refuses these too, the gap is lost: it is noted, and a pointer into it is a
 * stranger's from then on. */
#include "memory/range.h"

#include "base/mman.h"
#include "base/round_up.h"

#include <errno.h>

#define LOSSES 64 /* more are not noted: a process that far from any memory has other worries */

static struct { _Atomic uintptr_t from, size; } losses[LOSSES];
_Atomic unsigned range_losses;

bool range_is_lost(const void *pointer) {
  unsigned count = atomic_load_explicit(&range_losses, memory_order_acquire);
  for (unsigned i = 0; i < count && i < LOSSES; i++)
    if ((uintptr_t)pointer - losses[i].from < losses[i].size)
      return true;
  return false;
}

/* Notes a lost stretch. The size is written last: until then the entry holds no pointer. */
static void lose(const char *from, size_t size) {
  unsigned index = atomic_fetch_add(&range_losses, 1);
  if (index < LOSSES) {
    losses[index].from = (uintptr_t)from;
    losses[index].size = size;
  }
}

/* mincore tells what is resident, or fails because not all of it is mapped. */
bool range_is_mapped(const void *from, size_t size) {
  unsigned char resident[256];
  int saved = errno;
  bool mapped = true;
  const size_t most = sizeof resident << 12; /* mincore writes a byte for each page of 4 KiB or more */
  for (size_t at = 0; at < size && mapped; at += most)
    mapped =
        mincore((char *)from + at, size - at < most ? size - at : most, resident) == 0 || errno != ENOMEM;
  errno = saved;
  return mapped;
}

/* Maps a stretch of which nothing is mapped. Older kernels do not know the flag, and choose another place
 * then. */
static bool map_gap(char *from, size_t size, int access, bool *occupied) {
  char *mapped =
      mmap(from, size, access, MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  *occupied = mapped == MAP_FAILED ? errno == EEXIST : mapped != from;
  if (mapped != MAP_FAILED && mapped != from)
    munmap(mapped, size);
  return mapped == from;
}

/* Fills the gaps by halves, down to the page, where some of the stretch is mapped: as deep as a size has
 * bits. NOLINTNEXTLINE(misc-no-recursion) */
static range_state fill(char *from, size_t size) {
  bool occupied;
  if (range_is_mapped(from, size))
    return RANGE_AS_WAS;
  if (map_gap(from, size, PROT_READ | PROT_WRITE, &occupied))
    return RANGE_FRESH;
  if (!occupied && map_gap(from, size, PROT_NONE, &occupied)) {
    madvise(from, size, MADV_DONTDUMP);
    return RANGE_CLOSED;
  }
  if (!occupied) {
    lose(from, size);
    return RANGE_LOST;
  }
  if (size <= range_page_size())
    return RANGE_AS_WAS;
  size_t half = round_up(size / 2, range_page_size());
  range_state first = fill(from, half), second = fill(from + half, size - half);
  return first > second ? first : second;
}

range_state range_fill_gaps(void *from, size_t size) {
  int saved = errno;
  range_state state = fill(from, size);
  errno = saved;
  return state;
}

range_state range_renew(void *from, size_t size) {
  int saved = errno;
  void *fresh = mmap(from, size, PROT_READ | PROT_WRITE,
                     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  errno = saved;
  return fresh != MAP_FAILED ? RANGE_FRESH : range_fill_gaps(from, size);
}

/* Asks the kernel to let the stretch grow where it is. It cannot grow, since something follows; but the
 * kernel looks first whether the stretch has a mapping of its own. */
bool range_is_one_mapping(void *from, size_t size) {
  int saved = errno;
  size_t page = range_page_size();
  bool grown = mremap(from, size, size + page, 0) != MAP_FAILED,
       one = grown || errno == ENOMEM || errno == EAGAIN;
  if (grown) /* nothing followed: the page is the end of the range, or a gap */
    munmap((char *)from + size, page);
  errno = saved;
  return one;
}
