/* Makes the process's own allocator a backend, by posix_memalign, and by realloc wherever the result keeps
 * its alignment. A growth that changes the address counts as copied, unless the allocator is glibc's and the
 * block is mapped by itself before and after: then it moved the pages (mremap). */
#include "memory/backend.h"

#include "memory/system_calls.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static void *system_allocate(size_t size, size_t alignment) {
  void *buffer = NULL;
  int saved = errno;
  if (size >= BACKEND_TOO_LARGE)
    return NULL;
  if (alignment < sizeof(void *))
    alignment = sizeof(void *);
  if (system_allocator.posix_memalign(&buffer, alignment, size)) {
    errno = saved;
    return NULL;
  }
  return buffer;
}

static void system_free(void *buffer, size_t size, size_t alignment) {
  (void)size, (void)alignment;
  int saved = errno;
  system_allocator.free(buffer);
  errno = saved;
}

/* Returns whether it is a block that glibc has mapped by itself. Such a block ends with its last page and has
 * two words before it; all others reach over a word of the next one, so that their sizes are odd multiples of
 * it. glibc maps nothing below a page. */
static bool is_mapped_alone(void *buffer, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (size < page || !system_moves_pages)
    return false;
  size_t usable = system_allocator.malloc_usable_size(buffer);
  return usable % (2 * sizeof(size_t)) == 0 && ((uintptr_t)buffer + usable) % page == 0;
}

/* Pages keep what is in them: where a new block was taken instead, since the kernel refused to move them, the
 * buffer begins elsewhere in its page. (Buffers that malloc itself placed do not tell the two apart.) */
static bool is_same_block(uintptr_t before, void *moved, size_t size) {
  return (before ^ (uintptr_t)moved) % (uintptr_t)sysconf(_SC_PAGESIZE) == 0 && is_mapped_alone(moved, size);
}

static void *system_reallocate(void *buffer, size_t old_size, size_t new_size, size_t alignment,
                               backend_resize *how) {
  uintptr_t before = (uintptr_t)buffer;
  int saved = errno;
  if (new_size >= BACKEND_TOO_LARGE)
    return NULL;
  bool was_mapped = is_mapped_alone(buffer, old_size);
  void *moved = system_allocator.realloc(buffer, new_size);
  if (!moved) {
    errno = saved;
    return NULL;
  }
  *how = (uintptr_t)moved == before                             ? BACKEND_IN_PLACE
         : was_mapped && is_same_block(before, moved, new_size) ? BACKEND_REMAPPED
                                                                : BACKEND_COPIED;
  if ((uintptr_t)moved % alignment == 0)
    return moved;
  *how = BACKEND_COPIED;
  void *aligned = system_allocate(new_size, alignment);
  if (!aligned)
    return moved; /* the old buffer is gone already: a less aligned one loses nothing, NULL would lose it */
  memcpy(aligned, moved, old_size < new_size ? old_size : new_size);
  system_free(moved, 0, 0);
  return aligned;
}

static size_t system_usable_size(void *buffer) { return system_allocator.malloc_usable_size(buffer); }

static size_t system_remember(void *buffer, size_t requested) {
  (void)requested;
  return system_usable_size(buffer);
}

static size_t system_alignment(void *buffer) {
  (void)buffer;
  return ARROWPOOL_DEFAULT_ALIGNMENT;
}

static void system_release_unused(void) { system_allocator.malloc_trim(0); }

const backend backend_system = {.name = "system",
                                .allocate = system_allocate,
                                .reallocate = system_reallocate,
                                .free = system_free,
                                .usable_size = system_usable_size,
                                .remember = system_remember,
                                .recall = system_usable_size,
                                .forget = system_usable_size,
                                .alignment = system_alignment,
                                .release_unused = system_release_unused};
