/* Packed extents: large buffers that have not grown, of at most PACKED_MOST bytes, side by side in chunks
 * that huge pages back.
 *
 * A slot would give each of them pages of its own, of which the first megabytes are small ones, and touching
 * those is most of what such a buffer costs. jemalloc's arenas split, merge and reuse packed extents; only
 * their hooks and the jemalloc backend call this. Each extent has a record, which an overrun cannot reach:
 * one for each PACKED_GRANULE, in which no two extents begin. */
#ifndef ARROWPOOL_MEMORY_PACKED_H
#define ARROWPOOL_MEMORY_PACKED_H

#include "memory/range.h"
#include "memory/slots.h"

#define PACKED_MOST ((size_t)4 << 20)
#define PACKED_GRANULE                                                                                       \
  (4 * RANGE_UNIT > (size_t)64 << 10 ? 4 * RANGE_UNIT : (size_t)64 << 10) /* no extent is smaller */

/* Carves the window, of `share` bytes. With SLOTS_THP_AUTO chunks are advised to use huge pages, of that size
 * (bytes), but for the first one of each arena: small programs would waste them. Returns false if there is no
 * room. */
bool packed_init(size_t share, size_t huge_page, slots_thp thp);

/* Returns whether the pointer lies among the packed extents. */
extern range_window packed_window;
static inline bool packed_holds(const void *pointer) { return range_window_holds(&packed_window, pointer); }

/* Returns `size` bytes (a multiple of the page, at most PACKED_MOST) for an arena, zeroed and writable; NULL
 * when the window is full or the kernel refuses. Only jemalloc's hook calls it; LOCK_PACKED protects it. */
void *packed_allocate(unsigned arena, size_t size);

/* Returns whether [from, to) may be one free extent. jemalloc returns the pages of whole extents: of one that
 * is large it would return many more than have to go. */
bool packed_may_merge(const void *from, const void *to);

/* Takes the extent as a live buffer from here on. The pointers of this function and the next ones, down to
 * the end, lie in the window. */
void packed_enter(void *buffer);

/* They return whether a live buffer begins at the address, which is any address in the window. Who frees it
 * asks packed_claim: of several, one is told that there is one. */
bool packed_is_live(const void *address);
bool packed_claim(void *address);

/* They set and return the size (bytes) that was asked for, as the live buffer's owner set it last. */
void packed_set_requested(const void *buffer, size_t size);
size_t packed_requested(const void *buffer);

/* They set and return whose the buffer is, likewise: a number up to 255. Who sets the size says it anew. */
void packed_set_owner(const void *buffer, unsigned owner);
unsigned packed_owner(const void *buffer);

/* Notes that the program changed the mappings of a stretch: no buffer in it is resized in place, and fresh
 * pages are put there when it is freed. It is async-signal-safe; nothing happens outside of the window. */
void packed_note_altered(const void *from, size_t size);
bool packed_is_altered(const void *buffer);

/* Puts fresh pages in place of a stretch. Returns false if the kernel refuses: then nobody may be given it
 * before packed_make_usable returns true. */
bool packed_renew(void *from, size_t size);

/* They give the pages of a stretch that nobody has back to the kernel, with fresh mappings where the program
 * changed them, and make it usable again. They return false if the kernel refuses; after the first the
 * stretch is as it was then. */
bool packed_release_pages(void *from, size_t size);
bool packed_make_usable(void *from, size_t size);

#endif
