/* Address space in which large buffers can grow: a slot holds one of jemalloc's extents.
 *
 * Slots come in tiers of sizes. An extent may grow up to its slot's end without anything moving; when it
 * outgrows the slot, its pages move to a slot of a larger tier, its bytes never. Pages that a buffer gave up
 * are kept for the decay time and are used again first. They are given back under the slot's lock, before
 * their addresses can be granted again: jemalloc may trim a buffer in one thread while another grows it. The
 * jemalloc backend calls this and, through it, jemalloc's hooks do. */
#ifndef ARROWPOOL_MEMORY_SLOTS_H
#define ARROWPOOL_MEMORY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTS_NEVER INT64_MAX

typedef enum slots_thp { SLOTS_THP_AUTO, SLOTS_THP_ALWAYS, SLOTS_THP_NEVER } slots_thp;

typedef struct slots_policy {
  int64_t decay; /* how long idle pages are kept (ms); 0: not at all; SLOTS_NEVER: without a limit */
  slots_thp thp;
  int max_mappings; /* mappings that moves may add; 0: a quarter of vm.max_map_count */
  size_t huge_page; /* the kernel's (bytes, a power of two); 0: ask the kernel */
} slots_policy;

/* Carves the tiers out of what is left of the range: `share` bytes at most for each. */
bool slots_init(size_t share, slots_policy policy);

/* Returns the policy as it has become: the size of huge pages is known, and they are not used where the
 * kernel's do not suit. */
slots_policy slots_policy_in_force(void);

/* Returns a writable extent of `size` bytes (a multiple of the page) at `alignment`; NULL if no slot of a
 * fitting tier is free. *zeroed tells whether it reads as zeros. */
void *slots_allocate(size_t size, size_t alignment, bool *zeroed);

/* Announces that the calling thread's next extent will receive the pages of `buffer` (`size` bytes, in a
 * slot): it is placed so that they can move as they are, and growth goes on in huge pages. NULL says that no
 * pages come. `grows` says that the extent is for a buffer that has outgrown its place. NULL and false end
 * what was announced. */
void slots_expect(const void *buffer, size_t size, bool grows);

/* Moves the pages of `size` bytes from one buffer to another, both in slots and owned by the caller. On
 * REFUSED the old buffer is as it was, and the new one cannot be used: it has to be freed. */
typedef enum slots_moved { SLOTS_MOVED, SLOTS_COPIED, SLOTS_REFUSED } slots_moved;
slots_moved slots_move(void *from, void *to, size_t size);

/* Grows the extent that ends at `end` by `size` writable bytes. Returns false if the slot is full or the
 * extent ends elsewhere. */
bool slots_extend(void *end, size_t size, bool *zeroed);

/* Gives back a whole extent, or any part of one. */
void slots_release(void *start, size_t size);

/* Does so with what nobody has used: nothing of it stays idle. */
void slots_release_unused(void *start, size_t size);

/* Notes that the program changed the mappings of a stretch: access, inheritance, locks, or what is mapped.
 * The slots that the stretch lies in get fresh mappings before they serve another buffer. It is
 * async-signal-safe; nothing happens outside of slots. */
void slots_note_altered(const void *from, size_t size);

/* Returns the pages to the kernel that have been idle for the decay time, and lazily those that have been for
 * the time of idle.h. The result is the milliseconds until the next are due; SLOTS_NEVER means that there are
 * none. */
int64_t slots_expire(void);

/* Returns all idle pages to the kernel now. */
void slots_release_idle(void);

/* Returns the oldest of them until all that is idle is within its bound (idle.h), or none is left here. */
void slots_bound_idle(void);

/* They return whether the pointer lies in a slot, and whether two lie in the same. */
bool slots_hold(const void *pointer);
bool slots_same(const void *first, const void *second);

/* They return whether a live buffer begins at the address, which is any address outside of the page runs.
 * Only its owner, or who takes himself for him, may ask. Who frees the buffer asks slots_claim: of several,
 * one is told that there is one. */
bool slots_is_live(const void *address);
bool slots_claim(const void *address);

/* They set and return the size (bytes) that was asked for, as the buffer's owner set it last; the pointer
 * must lie in a slot. */
void slots_set_requested(const void *pointer, size_t size);
size_t slots_requested(const void *pointer);

/* They set and return whose the buffer is, a number up to 255; 0: nobody said. */
void slots_set_owner(const void *pointer, unsigned owner);
unsigned slots_owner(const void *pointer);

/* Returns the alignment (bytes) with which the slot's extent was made; the pointer must lie in a slot. */
size_t slots_alignment(const void *pointer);

#endif
