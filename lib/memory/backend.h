/* A backend serves memory and counts nothing. Each is one const table; the array lists them all.
 *
 * Sizes are above 0 and, with their alignment, do not overflow; alignments are powers of two. Only pool calls
 * it. Every function is thread-safe and keeps errno. */
#ifndef ARROWPOOL_MEMORY_BACKEND_H
#define ARROWPOOL_MEMORY_BACKEND_H

#include "arrowpool.h"

#include "memory/range.h"
#include "memory/slots.h"

#include <stdbool.h>

/* Says how a reallocation was served. */
typedef enum backend_resize { BACKEND_IN_PLACE, BACKEND_REMAPPED, BACKEND_COPIED } backend_resize;

typedef struct backend {
  const char *name;

  /* Returns NULL if there is no memory. */
  void *(*allocate)(size_t size, size_t alignment);

  /* Returns NULL if there is no memory; the old buffer is as it was. old_size is as allocated, or the usable
   * size. `how` is written on success. */
  void *(*reallocate)(void *buffer, size_t old_size, size_t new_size, size_t alignment, backend_resize *how);

  /* Size and alignment are as allocated; size 0 means that the caller does not know. */
  void (*free)(void *buffer, size_t size, size_t alignment);

  /* Returns the bytes that the buffer really has. */
  size_t (*usable_size)(void *buffer);

  /* For callers that do not tell the size again, remember keeps what was requested, as far as the backend
   * can, and returns what recall will say. It costs memory: only buffers that are recalled take it. */
  size_t (*remember)(void *buffer, size_t requested);
  size_t (*recall)(void *buffer);

  /* Does the same before the buffer is freed or may move: from here on it is no live one, unless it is
   * remembered again. Our jemalloc ends the program where there is none (misuse.h), here and in recall. */
  size_t (*forget)(void *buffer);

  /* The addresses of its own buffers; others came from the allocator behind it. NULL: it owns any. */
  const range_bounds *owned;

  /* Returns the alignment to keep when a caller that names none reallocates. */
  size_t (*alignment)(void *buffer);

  void (*release_unused)(void);
} backend;

static inline bool backend_owns(const backend *b, const void *buffer) {
  return !b->owned || range_spans(buffer);
}

/* No process has addresses for so many bytes: nobody is asked. */
#if defined(__x86_64__)
#define BACKEND_TOO_LARGE ((size_t)1 << 47)
#else
#define BACKEND_TOO_LARGE ((size_t)1 << 48)
#endif

/* What there is no memory for, there may be once idle pages went back: they make the same calls, with a
 * second try; but not for what is larger than all that the process may have. */
void *backend_allocate_again(const backend *b, size_t size, size_t alignment);
static inline void *backend_allocate(const backend *b, size_t size, size_t alignment) {
  void *buffer = b->allocate(size, alignment);
  return __builtin_expect(buffer != NULL, 1) ? buffer : backend_allocate_again(b, size, alignment);
}
void *backend_reallocate(const backend *b, void *buffer, size_t old_size, size_t new_size, size_t alignment,
                         backend_resize *how);

extern const backend backend_jemalloc, backend_system;

/* It is indexed by arrowpool_backend; the entry for the default is NULL. */
extern const backend *const backends[ARROWPOOL_BACKEND_SYSTEM + 1];

/* The private jemalloc says this of itself (bytes). It takes jemalloc's locks: not for signal handlers. */
typedef struct backend_jemalloc_stats {
  int64_t active, resident, metadata;
} backend_jemalloc_stats;

/* Returns false before the backend was first used. */
bool backend_jemalloc_read_stats(backend_jemalloc_stats *out);

/* Reads a figure that jemalloc keeps by that name, such as "stats.allocated", the calling thread's included
 * (bytes); with NULL it is a command, such as "thread.peak.reset". It takes jemalloc's locks, too. Returns
 * false before the backend was first used, or where there is no such thing; `out` is untouched. */
bool backend_jemalloc_ask(const char *name, int64_t *out);

/* Sets how long idle pages are kept and what huge pages are used for, before the backend is first used. */
void backend_jemalloc_configure(slots_policy wanted);

/* A small block that something is known of must not come by the quick way, which asks nobody, and takes what
 * lies where page_runs_hold_cached says so. It allocates one that lies elsewhere, for a size and an alignment
 * for which the backend served such a block; NULL if there is no memory. Freeing and reallocating know no
 * difference, but what a reallocation returns may lie there. */
void *backend_jemalloc_allocate_apart(size_t size, size_t alignment);

/* What callers do not tell the size of again may belong to one of many who cannot be told apart by the call:
 * such a buffer can have an owner, a number up to 255, from when its size is remembered until it is
 * forgotten; 0 means that nobody said. No owner is set before the first function returned true, which it does
 * if the backend was not used yet. The last one may be asked about any address of the range. */
bool backend_jemalloc_keep_owners(void);
void backend_jemalloc_set_owner(const void *buffer, unsigned owner);
unsigned backend_jemalloc_owner(const void *address);

/* Fills a buffer that was just allocated with zeros (size in bytes, as allocated). */
void backend_jemalloc_zero(void *buffer, size_t size);

/* Has the thread caches tell of what they hand out, without a call, to a stream that says how many bytes to
 * wait and is told when they were passed: within the call, by which such a block is served then, and also by
 * other blocks that are served through jemalloc. A thread that does not wait yet begins with a call of both.
 * It is called once. */
void backend_jemalloc_watch_small(uint64_t (*wait)(void), void (*passed)(void));

/* Notes that the program changed the mappings of a stretch: access, inheritance, locks, or what is mapped.
 * Large buffers that the stretch lies in get fresh mappings before they serve anybody else. It is
 * async-signal-safe; nothing happens outside of large buffers. */
void backend_jemalloc_note_altered(const void *from, size_t size);

/* Starts it now rather than at its first use. */
void backend_jemalloc_start(void);

/* Returns whether it is in use. The caller holds LOCK_START. */
bool backend_jemalloc_started(void);

/* A fork calls these: they quiesce jemalloc and let it go on. Before its first use they do nothing. */
void backend_jemalloc_prefork(void);
void backend_jemalloc_postfork_parent(void);
void backend_jemalloc_postfork_child(void);

#endif
