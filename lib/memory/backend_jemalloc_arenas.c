/* Starts the private jemalloc, and makes its arenas when a thread first needs them, since every arena makes
 * every fork slower. Arena 0, to which jemalloc falls back while a thread's keys are destroyed, has our hooks
 * too. */
#include "memory/backend_jemalloc_arenas.h"

#include "base/locks.h"
#include "base/misuse.h"
#include "base/nocancel.h"
#include "base/thread_own.h"
#include "base/writer.h"
#include "memory/backend.h"
#include "memory/decay.h"
#include "memory/extents.h"
#include "memory/idle.h"
#include "memory/packed.h"
#include "memory/packed_cache.h"
#include "memory/page_runs.h"
#include "memory/range.h"
#include "memory/slots.h"
#include "memory/small_cache.h"

#include <errno.h>
#include <jemalloc.h>
#include <sched.h>
#include <string.h>

#define MAX_ARENAS       8 /* they are of small blocks */
#define MAX_LARGE_ARENAS 4 /* large buffers spend their time in page faults, not in arenas */

/* Our overlay has jemalloc make arena 0 with these hooks: what it has before they are set by mallctl lies
 * outside of the range. */
extern extent_hooks_t *arrowpool_je_private_je_arena_0_extent_hooks;

/* Our overlay tells how many pages an arena keeps idle, and has it return those that were freed first, until
 * so many are left. */
size_t arrowpool_je_private_je_arena_idle_npages(unsigned arena);
void arrowpool_je_private_je_arena_purge_to(unsigned arena, size_t pages);

/* jemalloc calls `end` when it finds a block that cannot be freed. */
void arrowpool_je_private_je_safety_check_set_abort(void (*end)(const char *what));

/* Our overlay has an arena purge pages lazily that were unused since the last call. */
void arrowpool_je_private_je_arena_purge_lazily(unsigned arena);

/* It needs retain:false, or 5.3.0 never asks the hooks to extend at an address. The largest size of the
 * thread caches and the decay times follow. */
static char configuration[400] =
    "narenas:1,retain:false,oversize_threshold:0,abort_conf:false,trust_madvise:true,"
    "lg_extent_max_active_fit:63,tcache_gc_incr_bytes:4194304,tcache_nslots_small_min:48,"
    "tcache_nslots_small_max:400,tcache_nslots_large:48,lg_tcache_nslots_mul:2";
const char *arrowpool_je_malloc_conf = configuration;

static enum { NOT_STARTED, STARTED, UNAVAILABLE } state; /* it is written under LOCK_START */
static _Atomic int state_seen;                           /* it is `state` for the fast path */
static int arena_count, large_arena_count;
static _Atomic unsigned small_arenas[MAX_ARENAS]; /* 0: it is not made yet, but for the first, which is 0 */
static _Atomic unsigned slot_arenas[MAX_LARGE_ARENAS], packed_arenas[MAX_LARGE_ARENAS];
static _Atomic unsigned apart_arena;
static _Atomic unsigned next_thread;
static slots_policy policy = {.decay = 1000, .thp = SLOTS_THP_AUTO};

static extent_hooks_t run_hooks = {.alloc = extents_run_alloc,
                                   .dalloc = extents_run_dalloc,
                                   .purge_lazy = extents_any_purge_lazily,
                                   .purge_forced = extents_run_purge,
                                   .split = extents_any_split,
                                   .merge = extents_run_merge};
static extent_hooks_t apart_hooks = {.alloc = extents_apart_alloc,
                                     .dalloc = extents_run_dalloc,
                                     .purge_lazy = extents_any_purge_lazily,
                                     .purge_forced = extents_run_purge,
                                     .split = extents_any_split,
                                     .merge = extents_run_merge};
static extent_hooks_t packed_hooks = {.alloc = extents_packed_alloc,
                                      .dalloc = extents_run_dalloc,
                                      .destroy = extents_packed_destroy,
                                      .commit = extents_packed_commit,
                                      .decommit = extents_packed_decommit,
                                      .purge_lazy = extents_any_purge_lazily,
                                      .split = extents_any_split,
                                      .merge = extents_packed_merge};
static extent_hooks_t slot_hooks = {.alloc = extents_slot_alloc,
                                    .dalloc = extents_slot_dalloc,
                                    .destroy = extents_slot_destroy,
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

static bool set_no_decay(unsigned arena) {
  ssize_t none = 0;
  return set_for_arena(arena, "arena.0.dirty_decay_ms", &none, sizeof none) &&
         set_for_arena(arena, "arena.0.muzzy_decay_ms", &none, sizeof none);
}

/* Runs one of jemalloc's commands on all arenas: "arena.0.purge", "arena.0.decay". */
static void on_all_arenas(const char *command) { set_for_arena(MALLCTL_ARENAS_ALL, command, NULL, 0); }

void arenas_free_packed(void *extent, size_t size) {
  idle_note(-(ptrdiff_t)size, (ptrdiff_t)size);
  arrowpool_je_sdallocx(extent, size, MALLOCX_TCACHE_NONE);
}

void arenas_return_packed(size_t bytes) {
  size_t pages = bytes / RANGE_UNIT + 1;
  for (int i = 0; i < large_arena_count && pages; i++) {
    unsigned arena = atomic_load_explicit(&packed_arenas[i], memory_order_acquire);
    size_t idle = arena ? arrowpool_je_private_je_arena_idle_npages(arena) : 0;
    size_t returned = idle < pages ? idle : pages;
    if (returned)
      arrowpool_je_private_je_arena_purge_to(arena, idle - returned);
    pages -= returned;
  }
}

static void purge_lazily(_Atomic unsigned arenas[], int count) {
  for (int i = 0; i < count; i++) {
    unsigned arena = atomic_load_explicit(&arenas[i], memory_order_acquire);
    if (arena)
      arrowpool_je_private_je_arena_purge_lazily(arena);
  }
}

void arenas_return(decay_share share) {
  if (share == DECAY_LAZILY) {
    arrowpool_je_private_je_arena_purge_lazily(0);
    purge_lazily(small_arenas, arena_count);
    purge_lazily(packed_arenas, large_arena_count);
    return;
  }
  packed_cache_flush(share == DECAY_ALL, arenas_free_packed);
  on_all_arenas(share == DECAY_ALL ? "arena.0.purge" : "arena.0.decay");
}

static void configure(const char *name, int64_t value) {
  strcat(strcat(configuration, name), ":");
  writer_format_int(configuration + strlen(configuration), value);
}

/* All blocks that are smaller than packed extents come through the thread caches. */
static void configure_caches(void) { configure(",lg_tcache_max", __builtin_ctzl(PACKED_GRANULE)); }

/* Pages that were given back lazily are muzzy to jemalloc, for what is left of the decay time. */
static void configure_decay(void) {
  int64_t after = idle_lazily_after();
  configure(",dirty_decay_ms", policy.decay == SLOTS_NEVER ? -1 : policy.decay);
  configure(",muzzy_decay_ms", after == INT64_MAX ? 0 : policy.decay - after);
}

static bool start(void) {
  cpu_set_t cpus;
  int count = sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : CPU_COUNT(&cpus);
  arena_count = count < MAX_ARENAS ? count : MAX_ARENAS;
  large_arena_count = count < MAX_LARGE_ARENAS ? count : MAX_LARGE_ARENAS;
  decay_init(policy.decay, arenas_return);
  arrowpool_je_private_je_safety_check_set_abort(misuse_end_saying);
  if (!range_reserve())
    return false;
  size_t share = range_uncarved() / 8;
  if (!page_runs_init(share) || !slots_init(share, policy))
    return false;
  slots_policy in_force = slots_policy_in_force();
  if (in_force.thp != SLOTS_THP_NEVER)
    page_runs_use_huge_pages(in_force.huge_page);
  packed_init(share, in_force.huge_page,
              in_force.thp); /* without room for it, slots have all large buffers */
  configure_caches();
  configure_decay();
  arrowpool_je_private_je_arena_0_extent_hooks = &run_hooks;
  /* It starts jemalloc. Arena 0 is made before the option is heeded, and would return large extents at once.
   */
  size_t never = SIZE_MAX;
  if (!arrowpool_je_nallocx(1, 0) || !set_for_arena(0, "arena.0.oversize_threshold", &never, sizeof never))
    return false;
  small_cache_init();
  return true;
}

bool arenas_started(void) {
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
  if (hooks == &slot_hooks && !set_no_decay(arena))
    return 0;
  return atomic_compare_exchange_strong(where, &none, arena) ? arena : none;
}

__attribute__((noinline, cold)) bool arenas_bind_thread(void) {
  if (!arenas_started())
    return false;
  unsigned number = atomic_fetch_add(&next_thread, 1), index = number % (unsigned)arena_count;
  unsigned arena = atomic_load(&small_arenas[index]);
  if (index && !arena)
    arena = make_arena(&small_arenas[index], &run_hooks);
  if (arena) /* arena 0 is a thread's own if it has no other, as in programs of one thread */
    arrowpool_je_mallctl("thread.arena", NULL, NULL, &arena, sizeof arena);
  small_cache_bind();
  thread_own_data.number = number + 1 ? number + 1 : 1;
  return true;
}

/* Returns the flags for an arena; 0 if there is none. */
static int flags_of(_Atomic unsigned *where, extent_hooks_t *hooks) {
  unsigned arena = atomic_load_explicit(where, memory_order_acquire);
  if (__builtin_expect(!arena, 0) && !(arena = make_arena(where, hooks)))
    return 0;
  return MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE;
}

static _Atomic unsigned *of_thread(_Atomic unsigned arenas[]) {
  return &arenas[thread_own_data.number % (unsigned)large_arena_count];
}

int arenas_slot_flags(void) { return flags_of(of_thread(slot_arenas), &slot_hooks); }

int arenas_packed_flags(void) { return flags_of(of_thread(packed_arenas), &packed_hooks); }

int arenas_apart_flags(void) { return flags_of(&apart_arena, &apart_hooks); }

/* ---- what backend.h asks of them ---- */

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

void backend_jemalloc_start(void) { arenas_started(); }

bool backend_jemalloc_started(void) { return state == STARTED; }
