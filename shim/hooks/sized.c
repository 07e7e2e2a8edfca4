/* The rest of the libc hook: C23's free with a size, which is free (7.24.3.4, 7.24.3.5).
 *
 * Most chains have no such functions but ours, so they get pointers of any allocator, also of one that stands
 * before us. free knows whose they are, as the process sees it: so these functions call it by name, and are
 * in a file of their own, where the compiler cannot take free for ours. The C library's headers do not have
 * them yet. */
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void free_sized(void *buffer, size_t size);
EXPORT void free_aligned_sized(void *buffer, size_t alignment, size_t size);

EXPORT void free_sized(void *buffer, size_t size) {
  (void)size;
  free(buffer);
}

EXPORT void free_aligned_sized(void *buffer, size_t alignment, size_t size) {
  (void)alignment, (void)size;
  free(buffer);
}
