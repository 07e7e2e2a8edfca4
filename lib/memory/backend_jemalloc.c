/* Makes the private jemalloc a backend; this is the only file that includes its header.
 *
 * Invariants: every pointer that it hands out lies in the range (range.h): each result is tested, and one
 * outside goes back to jemalloc while the system allocator serves the request. A block is small when it is
 * below LARGE and needs no more than page alignment: it comes from page runs through jemalloc's thread cache.
 * Anything else is an extent of its own, packed as long as it is not above PACKED_MOST and has not grown, and
 * in a slot otherwise; jemalloc gives none to less than four of its pages. The address tells which it is.
 * Arenas are made when a thread first needs them, since every arena makes every fork slower; arena 0, to
 * which jemalloc falls back while a thread's keys are destroyed, has our hooks too. */
#include "memory/backend.h"

#include "base/locks.h"
#include "base/misuse.h"
#include "base/nocancel.h"
#include "memory/decay.h"
#include "memory/extents.h"
#include "memory/idle.h"
#include "memory/packed.h"
#include "memory/page_runs.h"
#include "memory/range.h"
#include "memory/slots.h"

#include <errno.h>
#include <jemalloc.h>
#include <sched.h>
#include <string.h>

#define LARGE            PACKED_GRANULE
#define MAX_ARENAS       8 /* they are of small blocks */
#define MAX_LARGE_ARENAS 4 /* large buffers spend their time in page faults, not in arenas */

/* jemalloc calls `end` when it finds a block that cannot be freed. */
void arrowpool_je_private_je_safety_check_set_abort(void (*end)(const char *what));

/* It needs retain:false, or 5.3.0 never asks the hooks to extend at an address. */
const char *arrowpool_je_malloc_conf =
    "narenas:1,retain:false,oversize_threshold:0,abort_conf:false,muzzy_decay_ms:0,lg_tcache_max:16,"
    "tcache_gc_incr_bytes:4194304,tcache_nslots_small_max:400,tcache_nslots_large:32,lg_tcache_nslots_mul:2";

static enum { NOT_STARTED, STARTED, UNAVAILABLE } state; /* it is written under LOCK_START */
static _Atomic int state_seen;                           /* it is `state` for the fast path */
static int arena_count, large_arena_count;
static _Atomic unsigned small_arenas[MAX_ARENAS]; /* 0: it is not made yet */
static _Atomic unsigned slot_arenas[MAX_LARGE_ARENAS], packed_arenas[MAX_LARGE_ARENAS];
static _Atomic unsigned next_thread;
static __thread unsigned thread_number; /* 0: the thread is not bound to its arena yet */
static slots_policy policy = {.decay = 1000, .thp = SLOTS_THP_AUTO};

static extent_hooks_t run_hooks = {.alloc = extents_run_alloc,
                                   .dalloc = extents_run_dalloc,
                                   .purge_forced = extents_run_purge,
                                   .split = extents_any_split,
                                   .merge = extents_run_merge};
static extent_hooks_t packed_hooks = {.alloc = extents_packed_alloc,
                                      .dalloc = extents_run_dalloc,
                                      .commit = extents_packed_commit,
                                      .decommit = extents_packed_decommit,
                                      .split = extents_any_split,
                                      .merge = extents_any_merge};
static extent_hooks_t slot_hooks = {.alloc = extents_slot_alloc,
                                    .dalloc = extents_slot_dalloc,
                                    .split = extents_any_split,
                                    .merge = extents_slot_merge};

/* ---- start ---- */

/* Sets "arena.0.NAME" of another arena. */
static bool set_for_arena(unsigned arena, const char *name, void *value, size_t size) {
  size_t mib[3], length = 3;
  if (arrowpool_je_mallctlnametomib(name, mib, &length))
    return false;
  mib[1] = arena;
  return !arrowpool_je_mallctlbymib(mib, length, NULL, NULL, value, size);
}

static bool set_hooks(unsigned arena, extent_hooks_t *hooks) {
  return set_for_arena(arena, "arena.0.extent_hooks", &hooks, sizeof hooks);
}

static bool set_decay(unsigned arena, ssize_t milliseconds) {
  return set_for_arena(arena, "arena.0.dirty_decay_ms", &milliseconds, sizeof milliseconds);
}

/* Runs one of jemalloc's commands on all arenas: "arena.0.purge", "arena.0.decay". */
static void on_all_arenas(const char *command) { set_for_arena(MALLCTL_ARENAS_ALL, command, NULL, 0); }

static void return_small(bool all) { on_all_arenas(all ? "arena.0.purge" : "arena.0.decay"); }

static bool start(void) {
  cpu_set_t cpus;
  int count = sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : CPU_COUNT(&cpus);
  arena_count = count < MAX_ARENAS ? count : MAX_ARENAS;
  large_arena_count = count < MAX_LARGE_ARENAS ? count : MAX_LARGE_ARENAS;
  decay_init(policy.decay, return_small);
  arrowpool_je_private_je_safety_check_set_abort(misuse_end_saying);
  if (!range_reserve())
    return false;
  size_t share = range_uncarved() / 8;
  ssize_t decay = policy.decay == SLOTS_NEVER ? -1 : (ssize_t)policy.decay;
  if (!page_runs_init(share) || !slots_init(share, policy))
    return false;
  slots_policy in_force = slots_policy_in_force();
  packed_init(share, in_force.huge_page,
              in_force.thp); /* without room for it, slots have all large buffers */
  return set_hooks(0, &run_hooks) && set_decay(0, decay) &&
         !arrowpool_je_mallctl("arenas.dirty_decay_ms", NULL, NULL, &decay, sizeof decay);
}

static bool started(void) {
  int seen = atomic_load_explicit(&state_seen, memory_order_acquire);
  if (seen != NOT_STARTED)
    return seen == STARTED;
  int cancel_state = nocancel_begin();
  locks_acquire(LOCK_START);
  if (state == NOT_STARTED)
    state = start() ? STARTED : UNAVAILABLE;
  atomic_store_explicit(&state_seen, state, memory_order_release);
  seen = state;
  locks_release(LOCK_START);
  nocancel_end(cancel_state);
  return seen == STARTED;
}

/* Threads may race to make an arena; the loser's stays unused, which costs a few pages once. */
static unsigned make_arena(_Atomic unsigned *where, extent_hooks_t *hooks) {
  unsigned arena, none = 0;
  size_t size = sizeof arena;
  extent_hooks_t *metadata_hooks = &run_hooks;
  if (arrowpool_je_mallctl("arenas.create", &arena, &size, &metadata_hooks, sizeof metadata_hooks))
    return 0;
  if (hooks != &run_hooks && !set_hooks(arena, hooks))
    return 0;
  /* Slots keep idle pages by themselves: jemalloc must not sit on free extents. */
  if (hooks == &slot_hooks && !set_decay(arena, 0))
    return 0;
  return atomic_compare_exchange_strong(where, &none, arena) ? arena : none;
}

static __attribute__((noinline, cold)) bool bind_thread(void) {
  if (!started())
    return false;
  unsigned number = atomic_fetch_add(&next_thread, 1);
  _Atomic unsigned *where = &small_arenas[number % (unsigned)arena_count];
  unsigned arena = atomic_load(where);
  if (!arena)
    arena = make_arena(where, &run_hooks); /* it is 0 on failure: that arena has our hooks as well */
  arrowpool_je_mallctl("thread.arena", NULL, NULL, &arena, sizeof arena);
  thread_number = number + 1 ? number + 1 : 1;
  return true;
}

/* Returns the flags for the calling thread's arena of these; 0 if there is none. */
static int flags_of(_Atomic unsigned arenas[], extent_hooks_t *hooks) {
  _Atomic unsigned *where = &arenas[thread_number % (unsigned)large_arena_count];
  unsigned arena = atomic_load_explicit(where, memory_order_acquire);
  if (__builtin_expect(!arena, 0) && !(arena = make_arena(where, hooks)))
    return 0;
  return MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE;
}

static bool is_small(size_t size, size_t alignment) { return size < LARGE && alignment <= range_page_size(); }

/* Returns what jemalloc is asked for: a size class that is a multiple of the alignment is aligned to it,
 * because runs begin on pages. MALLOCX_ALIGN would say the same at three times the cost. */
static size_t small_size(size_t size, size_t alignment) {
  return range_round_up(size,
                        alignment < ARROWPOOL_DEFAULT_ALIGNMENT ? ARROWPOOL_DEFAULT_ALIGNMENT : alignment);
}

/* ---- packed extents ---- */

/* Where writable addresses are charged, slots can give theirs back, and chunks cannot. */
static bool may_pack(size_t size, size_t alignment) {
  return size <= PACKED_MOST && size >= LARGE && alignment <= range_page_size() && packed_window.size &&
         !range_is_frugal();
}

static void *allocate_packed(size_t size) {
  int flags = flags_of(packed_arenas, &packed_hooks);
  void *buffer = flags ? arrowpool_je_mallocx(size, flags) : NULL;
  if (!buffer || !packed_holds(buffer)) /* a thread that is ending gets a page run of arena 0 */
    return buffer;
  ptrdiff_t taken = (ptrdiff_t)arrowpool_je_sallocx(buffer, 0);
  packed_enter(buffer);
  idle_note(taken, -taken);
  return buffer;
}

static void return_excess(void) {
  slots_bound_idle();
  if (idle_bytes() > idle_most())
    on_all_arenas("arena.0.purge");
}

static void free_packed(void *buffer) {
  bool altered = packed_is_altered(buffer);
  if (!packed_claim(buffer))
    misuse_end(buffer);
  ptrdiff_t size = (ptrdiff_t)arrowpool_je_sallocx(buffer, 0);
  if (altered && !packed_renew(buffer, (size_t)size))
    return; /* what the program did to it could not be undone: it serves nobody any more */
  idle_note(-size, size);
  arrowpool_je_sdallocx(buffer, (size_t)size, MALLOCX_TCACHE_NONE);
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

/* The address decides where a buffer is; size 0 says that nothing is known of it. */
static __attribute__((noinline)) void free_slowly(void *buffer, size_t size, size_t alignment) {
  int saved = errno;
  if (!range_owns(buffer)) {
    backend_system.free(buffer, size, alignment);
  } else if (page_runs_hold(buffer)) {
    size_t size_class = arrowpool_je_sallocx(buffer, 0);
    decay_note_small(size_class);
    arrowpool_je_sdallocx(buffer, size_class, 0);
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
  if (__builtin_expect(!page_runs_hold(buffer) || !size || !is_small(size, alignment), 0)) {
    free_slowly(buffer, size, alignment);
    return;
  }
  arrowpool_je_sdallocx(buffer, small_size(size, alignment), 0);
  decay_note_small(size);
}

static void *allocate_large(size_t size, size_t alignment, bool grows) {
  void *packed = !grows && may_pack(size, alignment) ? allocate_packed(size) : NULL;
  if (packed)
    return packed;
  size_t at_least = alignment > range_page_size() ? alignment : range_page_size();
  int flags = flags_of(slot_arenas, &slot_hooks), align = MALLOCX_LG_ALIGN(__builtin_ctzl(at_least));
  void *buffer = flags ? arrowpool_je_mallocx(size, flags | align) : NULL;
  if (!buffer) /* no slot fits: the page runs may have room */
    buffer = arrowpool_je_mallocx(size, align | MALLOCX_TCACHE_NONE);
  return buffer;
}

/* A buffer that grew once will grow again: it goes where it can. */
static __attribute__((noinline)) void *allocate_slowly(size_t size, size_t alignment, bool grows) {
  int saved = errno;
  void *buffer = NULL;
  if ((thread_number || bind_thread()) && is_small(size, alignment))
    buffer = arrowpool_je_malloc(small_size(size, alignment));
  else if (thread_number && range_may_hold(size))
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
  if (__builtin_expect(thread_number && is_small(size, alignment), 1)) {
    void *buffer = arrowpool_je_malloc(small_size(size, alignment));
    if (__builtin_expect(page_runs_hold(buffer), 1))
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
  slots_expect(large ? buffer : NULL, kept);
  void *moved = allocate(new_size, alignment, new_size > old_size);
  slots_expect(NULL, 0);
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
  if (!started())
    return;
  int saved = errno;
  arrowpool_je_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
  on_all_arenas("arena.0.purge");
  slots_release_idle();
  errno = saved;
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

bool backend_jemalloc_ask(const char *name, int64_t *out) {
  uint64_t epoch = 1;
  size_t size = sizeof *out;
  int saved = errno;
  bool known = atomic_load_explicit(&state_seen, memory_order_acquire) == STARTED &&
               !arrowpool_je_mallctl("epoch", NULL, NULL, &epoch, sizeof epoch) &&
               !arrowpool_je_mallctl(name, out, out ? &size : NULL, NULL, 0);
  errno = saved;
  return known;
}

bool backend_jemalloc_read_stats(backend_jemalloc_stats *out) {
  return backend_jemalloc_ask("stats.active", &out->active) &&
         backend_jemalloc_ask("stats.resident", &out->resident) &&
         backend_jemalloc_ask("stats.metadata", &out->metadata);
}

void backend_jemalloc_configure(slots_policy wanted) { policy = wanted; }

void backend_jemalloc_note_altered(const void *from, size_t size) {
  slots_note_altered(from, size);
  packed_note_altered(from, size);
}

void backend_jemalloc_start(void) { started(); }

bool backend_jemalloc_started(void) { return state == STARTED; }
