/* Makes the private jemalloc a backend.
 *
 * Invariants: every pointer that it hands out lies in the range (range.h): each result is tested, and one
 * outside goes back to jemalloc while the system allocator serves the request. A block is small when it is
 * below LARGE and needs no more than page alignment: it comes from page runs through jemalloc's thread cache.
 * Anything else is an extent of its own, packed as long as it is not above PACKED_MOST and has not grown, and
 * in a slot otherwise; jemalloc gives none to less than four of its pages. The address tells which it is. */
#include "memory/backend.h"

#include "base/locks.h"
#include "base/misuse.h"
#include "base/round_up.h"
#include "base/thread_own.h"
#include "memory/backend_jemalloc_arenas.h"
#include "memory/decay.h"
#include "memory/idle.h"
#include "memory/packed.h"
#include "memory/packed_cache.h"
#include "memory/page_runs.h"
#include "memory/range.h"
#include "memory/slots.h"
#include "memory/small_cache.h"

#include <errno.h>
#include <jemalloc.h>
#include <string.h>

#define LARGE PACKED_GRANULE

static bool is_small(size_t size, size_t alignment) { return size < LARGE && alignment <= range_page_size(); }

/* Returns what jemalloc is asked for: a size class that is a multiple of the alignment is aligned to it,
 * because runs begin on pages. MALLOCX_ALIGN would say the same at three times the cost. */
static size_t small_size(size_t size, size_t alignment) {
  return round_up(size, alignment < ARROWPOOL_DEFAULT_ALIGNMENT ? ARROWPOOL_DEFAULT_ALIGNMENT : alignment);
}

/* ---- packed extents ---- */

/* Where writable addresses are charged, slots can give theirs back, and chunks cannot. */
static bool may_pack(size_t size, size_t alignment) {
  return size <= PACKED_MOST && size >= LARGE && alignment <= range_page_size() && packed_window.size &&
         !range_is_frugal();
}

static void *allocate_packed(size_t size) {
  void *cached = packed_cache_take(thread_own_data.number, size);
  if (cached) {
    packed_enter(cached);
    return cached;
  }
  int flags = arenas_packed_flags();
  void *buffer = flags ? arrowpool_je_mallocx(size, flags) : NULL;
  if (!buffer || !packed_holds(buffer)) /* a thread that is ending gets a page run of arena 0 */
    return buffer;
  ptrdiff_t taken = (ptrdiff_t)arrowpool_je_sallocx(buffer, 0);
  packed_enter(buffer);
  idle_note(taken, -taken);
  return buffer;
}

/* What is returned beyond the excess spares the next frees a call. */
static void return_excess(void) {
  slots_bound_idle();
  size_t idle = idle_bytes(), most = idle_most();
  if (idle > most)
    arenas_return_packed(idle - most + most / IDLE_SETTLED_SHARE);
}

static void free_packed(void *buffer) {
  bool altered = packed_is_altered(buffer);
  if (!packed_claim(buffer))
    misuse_end(buffer);
  size_t size = arrowpool_je_sallocx(buffer, 0);
  if (altered && !packed_renew(buffer, size))
    return; /* what the program did to it could not be undone: it serves nobody any more */
  if (!idle_is_kept())
    arenas_free_packed(buffer, size);
  else if (!packed_cache_put(thread_own_data.number, buffer, size, arenas_free_packed))
    return; /* nothing has become idle */
  decay_small_step();
  if (idle_bytes() > idle_most())
    return_excess();
}

/* What is given up of a packed buffer can be packed anew only as a whole: a buffer that shrinks by more than
 * a quarter is better copied. */
static bool resized_packed(void *buffer, size_t new_size, size_t alignment) {
  size_t old = arrowpool_je_sallocx(buffer, 0);
  if (alignment > range_page_size() || new_size < LARGE || packed_is_altered(buffer))
    return false;
  if (arrowpool_je_nallocx(new_size, 0) == old)
    return true;
  if (new_size > PACKED_MOST || new_size < old / 4 * 3)
    return false;
  ptrdiff_t resized = (ptrdiff_t)arrowpool_je_xallocx(buffer, new_size, 0, MALLOCX_TCACHE_NONE);
  idle_note(resized - (ptrdiff_t)old, (ptrdiff_t)old - resized);
  return (size_t)resized >= new_size;
}

/* ---- the table ---- */

static void free_small(void *block, size_t size) {
  arrowpool_je_sdallocx(block, size, 0);
  decay_note_small(small_cache_bind()->deallocated);
}

/* The address decides where a buffer is; size 0 says that nothing is known of it. */
static __attribute__((noinline)) void free_slowly(void *buffer, size_t size, size_t alignment) {
  int saved = errno;
  if (!range_owns(buffer)) {
    backend_system.free(buffer, size, alignment);
  } else if (page_runs_hold_cached(buffer)) {
    size_t size_class = arrowpool_je_sallocx(buffer, 0);
    free_small(buffer, size_class);
  } else if (page_runs_hold(buffer)) {
    arrowpool_je_dallocx(buffer, MALLOCX_TCACHE_NONE);
  } else if (packed_holds(buffer)) {
    free_packed(buffer);
  } else {
    if (!slots_claim(buffer))
      misuse_end(buffer);
    arrowpool_je_dallocx(buffer, MALLOCX_TCACHE_NONE);
    decay_note_large();
  }
  errno = saved;
}

static void jemalloc_free(void *buffer, size_t size, size_t alignment) {
  if (__builtin_expect(!page_runs_hold_cached(buffer) || !size || !is_small(size, alignment), 0)) {
    free_slowly(buffer, size, alignment);
    return;
  }
  free_small(buffer, small_size(size, alignment));
}

static void *allocate_large(size_t size, size_t alignment, bool grows) {
  void *packed = !grows && may_pack(size, alignment) ? allocate_packed(size) : NULL;
  if (packed)
    return packed;
  size_t at_least = alignment > range_page_size() ? alignment : range_page_size();
  int flags = arenas_slot_flags(), align = MALLOCX_LG_ALIGN(__builtin_ctzl(at_least));
  void *buffer = flags ? arrowpool_je_mallocx(size, flags | align) : NULL;
  if (!buffer) /* no slot fits: the page runs may have room */
    buffer = arrowpool_je_mallocx(size, align | MALLOCX_TCACHE_NONE);
  return buffer;
}

/* A buffer that grew once will grow again: it goes where it can. */
static __attribute__((noinline)) void *allocate_slowly(size_t size, size_t alignment, bool grows) {
  int saved = errno;
  void *buffer = NULL;
  if ((thread_own_data.number || arenas_bind_thread()) && is_small(size, alignment))
    buffer = arrowpool_je_malloc(small_size(size, alignment));
  else if (thread_own_data.number && range_may_hold(size))
    buffer = allocate_large(size, alignment, grows);
  if (buffer && !range_owns(buffer)) {
    arrowpool_je_dallocx(buffer, MALLOCX_TCACHE_NONE);
    buffer = NULL;
  }
  if (!buffer)
    buffer = backend_system.allocate(size, alignment);
  errno = saved;
  return buffer;
}

static inline __attribute__((always_inline)) void *allocate(size_t size, size_t alignment, bool grows) {
  if (__builtin_expect(thread_own_data.number && is_small(size, alignment), 1)) {
    void *buffer = arrowpool_je_malloc(small_size(size, alignment));
    decay_note_small(thread_own_data.cache->deallocated); /* jemalloc shrinks its bins here, too */
    if (__builtin_expect(page_runs_hold_cached(buffer), 1))
      return buffer;
    if (buffer)
      arrowpool_je_free(buffer);
  }
  return allocate_slowly(size, alignment, grows);
}

static void *jemalloc_allocate(size_t size, size_t alignment) { return allocate(size, alignment, false); }

/* Returns whether the buffer could take the new size where it is. */
static bool resized_in_place(void *buffer, size_t new_size, size_t alignment) {
  if (packed_holds(buffer))
    return resized_packed(buffer, new_size, alignment);
  if (is_small(new_size, alignment) != page_runs_hold(buffer))
    return false;
  if (page_runs_hold(buffer))
    return arrowpool_je_nallocx(small_size(new_size, alignment), 0) == arrowpool_je_sallocx(buffer, 0);
  bool fits = arrowpool_je_xallocx(buffer, new_size, 0, MALLOCX_TCACHE_NONE) >= new_size;
  decay_note_large();
  return fits;
}

/* Ends the program where no live buffer begins; of small blocks that is not known. */
static void check_live(void *buffer) {
  bool live =
      page_runs_hold(buffer) || (packed_holds(buffer) ? packed_is_live(buffer) : slots_is_live(buffer));
  if (!live)
    misuse_end(buffer);
}

static void *jemalloc_reallocate(void *buffer, size_t old_size, size_t new_size, size_t alignment,
                                 backend_resize *how) {
  if (__builtin_expect(!range_owns(buffer), 0))
    return backend_system.reallocate(buffer, old_size, new_size, alignment, how);
  check_live(buffer);
  int saved = errno;
  bool in_place = resized_in_place(buffer, new_size, alignment);
  errno = saved;
  if (in_place) {
    *how = BACKEND_IN_PLACE;
    return buffer;
  }
  size_t kept = old_size < new_size ? old_size : new_size;
  bool large = slots_hold(buffer) && !is_small(new_size, alignment);
  slots_expect(large ? buffer : NULL, kept, new_size > old_size);
  void *moved = allocate(new_size, alignment, new_size > old_size);
  slots_expect(NULL, 0, false);
  if (!moved)
    return NULL;
  slots_moved outcome = large ? slots_move(buffer, moved, kept) : SLOTS_COPIED;
  if (!large)
    memcpy(moved, buffer, kept);
  if (outcome == SLOTS_REFUSED) { /* its address may be a stranger's now, but jemalloc has the extent */
    arrowpool_je_dallocx(moved, MALLOCX_TCACHE_NONE);
    errno = saved;
    return NULL;
  }
  errno = saved;
  free_slowly(buffer, 0, 0); /* libc's callers do not say the alignment that the old size went with */
  *how = outcome == SLOTS_MOVED ? BACKEND_REMAPPED : BACKEND_COPIED;
  return moved;
}

static size_t jemalloc_usable_size(void *buffer) {
  return range_owns(buffer) ? arrowpool_je_sallocx(buffer, 0) : backend_system.usable_size(buffer);
}

static size_t jemalloc_remember(void *buffer, size_t requested) {
  if (!range_owns(buffer))
    return backend_system.remember(buffer, requested);
  if (page_runs_hold(buffer))
    page_runs_note_requested(buffer, requested);
  else if (packed_holds(buffer))
    packed_set_requested(buffer, requested);
  else
    slots_set_requested(buffer, requested);
  return requested;
}

static size_t jemalloc_recall(void *buffer) {
  if (__builtin_expect(page_runs_hold(buffer), 1)) {
    if (__builtin_expect(!page_runs_is_noted(buffer), 0))
      misuse_end(buffer);
    return page_runs_requested(buffer);
  }
  if (!range_owns(buffer))
    return backend_system.recall(buffer);
  check_live(buffer);
  return packed_holds(buffer) ? packed_requested(buffer) : slots_requested(buffer);
}

static size_t jemalloc_forget(void *buffer) {
  size_t requested = jemalloc_recall(buffer);
  if (page_runs_hold(buffer))
    page_runs_forget(buffer);
  return requested;
}

bool backend_jemalloc_keep_owners(void) {
  locks_acquire(LOCK_START);
  bool in_time = !backend_jemalloc_started();
  if (in_time)
    page_runs_keep_owners();
  locks_release(LOCK_START);
  return in_time;
}

void backend_jemalloc_set_owner(const void *buffer, unsigned owner) {
  if (page_runs_hold(buffer))
    *page_runs_owner(buffer) = (uint8_t)owner;
  else if (packed_holds(buffer))
    packed_set_owner(buffer, owner);
  else
    slots_set_owner(buffer, owner);
}

unsigned backend_jemalloc_owner(const void *address) {
  if (page_runs_hold(address))
    return page_runs_has_owner(address) ? *page_runs_owner(address) : 0;
  if (packed_holds(address))
    return packed_is_live(address) ? packed_owner(address) : 0;
  return slots_owner(address);
}

/* From here on it is better to have fresh pages of the kernel, which are there only when they are touched. */
#define ZEROED_BY_KERNEL ((size_t)1 << 20)

void backend_jemalloc_zero(void *buffer, size_t size) {
  size_t page = range_page_size(), whole = size / page * page;
  bool pages = size >= ZEROED_BY_KERNEL && range_owns(buffer) && slots_hold(buffer) &&
               (uintptr_t)buffer % page == 0 && range_release_pages(buffer, whole);
  memset((char *)buffer + (pages ? whole : 0), 0, pages ? size - whole : size);
}

/* Small blocks do not record their alignment, but the largest power of two that divides both their address
 * and their size class is at least it. */
static size_t jemalloc_alignment(void *buffer) {
  if (!range_owns(buffer))
    return backend_system.alignment(buffer);
  if (!page_runs_hold(buffer) && !packed_holds(buffer))
    return slots_alignment(buffer);
  size_t bits = (uintptr_t)buffer | arrowpool_je_sallocx(buffer, 0) | range_page_size();
  return bits & -bits;
}

static void jemalloc_release_unused(void) {
  if (!arenas_started())
    return;
  int saved = errno;
  arrowpool_je_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
  arenas_return(DECAY_ALL);
  slots_release_idle();
  errno = saved;
}

void *backend_jemalloc_allocate_apart(size_t size, size_t alignment) {
  int saved = errno, flags = arenas_apart_flags();
  bool large = alignment > range_page_size(); /* a block that found no slot, and went to the page runs */
  int align = large ? MALLOCX_LG_ALIGN(__builtin_ctzl(alignment)) : 0;
  void *block = flags ? arrowpool_je_mallocx(small_size(size, alignment), flags | align) : NULL;
  errno = saved;
  return block;
}

/* They are our overlay's. */
extern uint64_t (*arrowpool_je_private_je_te_embedder_sample_wait)(void);
extern void (*arrowpool_je_private_je_te_embedder_sample)(void);

void backend_jemalloc_watch_small(uint64_t (*wait)(void), void (*passed)(void)) {
  arrowpool_je_private_je_te_embedder_sample = passed;
  __atomic_store_n(&arrowpool_je_private_je_te_embedder_sample_wait, wait, __ATOMIC_RELEASE);
}

const backend backend_jemalloc = {.name = "jemalloc",
                                  .allocate = jemalloc_allocate,
                                  .reallocate = jemalloc_reallocate,
                                  .free = jemalloc_free,
                                  .usable_size = jemalloc_usable_size,
                                  .remember = jemalloc_remember,
                                  .recall = jemalloc_recall,
                                  .forget = jemalloc_forget,
                                  .owned = &range_all,
                                  .alignment = jemalloc_alignment,
                                  .release_unused = jemalloc_release_unused};

void backend_jemalloc_note_altered(const void *from, size_t size) {
  slots_note_altered(from, size);
  packed_note_altered(from, size);
}
