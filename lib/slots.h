/* Address space in which large buffers can grow: one extent of jemalloc's to a slot.
 *
 * Slots come in tiers of sizes; an extent begins at its slot's start (or the first aligned address in it)
 * and may grow up to the slot's end without anything moving. Called by jemalloc's hooks and by the jemalloc
 * backend. Pages of a slot are given back before the addresses can be granted again, under the slot's lock:
 * jemalloc may purge a trimmed tail in one thread while another grows the same buffer. */
#ifndef ARROWPOOL_SLOTS_H
#define ARROWPOOL_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

/* Carve the tiers out of what is left of the range: `share` bytes at most for each. */
bool slots_init(size_t share);

/* A fresh, zeroed, writable extent of `size` bytes (a multiple of the page) at `alignment`; NULL if no slot
 * of a fitting tier is free. */
void *slots_allocate(size_t size, size_t alignment);

/* Grow the extent that ends at `end` by `size` bytes, zeroed and writable. False if the slot is full or the
 * extent ends elsewhere. */
bool slots_extend(void *end, size_t size);

/* Give back a whole extent, or any part of one. */
void slots_release(void *start, size_t size);

/* Whether two addresses lie in one slot. */
bool slots_same(const void *first, const void *second);

/* The size (bytes) that was asked for, as last set by the buffer's owner; the pointer must lie in a slot. */
void slots_set_requested(const void *pointer, size_t size);
size_t slots_requested(const void *pointer);

/* The alignment (bytes) with which the slot's extent was made; the pointer must lie in a slot. */
size_t slots_alignment(const void *pointer);

#endif
