/* Address space in which large buffers can grow: one extent of jemalloc's to a slot.
 *
 * Slots come in tiers of sizes. An extent may grow up to its slot's end without anything moving; when it
 * outgrows the slot, its pages move to a slot of a larger tier, its bytes never. Pages that a buffer gave up
 * are kept for the decay time and are used again first. They are given back under the slot's lock, before
 * their addresses can be granted again: jemalloc may trim a buffer in one thread while another grows it.
 * Called by the jemalloc backend and, through it, by jemalloc's hooks. */
#ifndef ARROWPOOL_MEMORY_SLOTS_H
#define ARROWPOOL_MEMORY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTS_NEVER INT64_MAX

typedef enum slots_thp { SLOTS_THP_AUTO, SLOTS_THP_ALWAYS, SLOTS_THP_NEVER } slots_thp;

typedef struct slots_policy {
  int64_t decay; /* milliseconds that idle pages are kept; 0: not at all; SLOTS_NEVER: no limit in time */
  slots_thp thp;
  int max_mappings; /* that moved pages may add to the process; 0: a quarter of vm.max_map_count */
  size_t huge_page; /* the kernel's (bytes, a power of two); 0: ask it */
} slots_policy;

/* Carve the tiers out of what is left of the range: `share` bytes at most for each. */
bool slots_init(size_t share, slots_policy policy);

/* A writable extent of `size` bytes (a multiple of the page) at `alignment`; NULL if no slot of a fitting
 * tier is free. *zeroed tells whether it reads as zeros. */
void *slots_allocate(size_t size, size_t alignment, bool *zeroed);

/* The calling thread's next extent will receive the pages of `buffer` (`size` bytes, in a slot): place it so
 * that they can move as they are, and growth goes on in huge pages. NULL ends that. */
void slots_expect(const void *buffer, size_t size);

/* Move the pages of `size` bytes from one buffer to another, both in slots and owned by the caller. REFUSED:
 * the old buffer is as it was, and the new one cannot be used: it has to be freed. */
typedef enum slots_moved { SLOTS_MOVED, SLOTS_COPIED, SLOTS_REFUSED } slots_moved;
slots_moved slots_move(void *from, void *to, size_t size);

/* Grow the extent that ends at `end` by `size` writable bytes. False if the slot is full or the extent ends
 * elsewhere. */
bool slots_extend(void *end, size_t size, bool *zeroed);

/* Give back a whole extent, or any part of one. */
void slots_release(void *start, size_t size);

/* The program changed the mappings of a stretch: access, inheritance, locks, or what is mapped. The slots it
 * lies in get fresh ones before they serve another buffer. Async-signal-safe; nothing happens outside of
 * slots. */
void slots_note_altered(const void *from, size_t size);

/* Return the pages that have been idle for the decay time. Milliseconds until the next are due; SLOTS_NEVER:
 * there are none. */
int64_t slots_expire(void);

/* Return all idle pages now. */
void slots_release_idle(void);

/* Bytes that are idle and may be resident. At most what was live at the highest point of the last one to two
 * decay times, 1/16 of that and two huge pages. */
size_t slots_idle_bytes(void);

/* Keep a copy of that figure here, which may be a moment behind. */
void slots_publish_idle(_Atomic int64_t *copy);

/* Whether the pointer lies in a slot, and whether two lie in the same. */
bool slots_hold(const void *pointer);
bool slots_same(const void *first, const void *second);

/* Whether a live buffer begins at the address; any address outside of the page runs. Only its owner, or who
 * takes himself for him, may ask. slots_claim is for who frees it: of several, one is told that there is one.
 */
bool slots_is_live(const void *address);
bool slots_claim(const void *address);

/* The size (bytes) that was asked for, as last set by the buffer's owner; the pointer must lie in a slot. */
void slots_set_requested(const void *pointer, size_t size);
size_t slots_requested(const void *pointer);

/* The alignment (bytes) with which the slot's extent was made; the pointer must lie in a slot. */
size_t slots_alignment(const void *pointer);

#endif
