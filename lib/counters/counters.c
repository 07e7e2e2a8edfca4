/* Counts events in the threads' shards, and sums the shards up for readers. */
#include "counters/counters.h"

#include "base/locks.h"
#include "base/nocancel.h"
#include "base/thread_own.h"
#include "counters/counters_area.h"
#include "counters/counters_events.h"
#include "counters/counters_watchers.h"
#include "counters/limits.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define FIELDS      AREA_FIELDS
#define FIELD(name) AREA_FIELD(name)

typedef area_shard shard;

_Static_assert(THREAD_OWN_PLACES == POOL_COUNT + 1, "a place for each pool, and one that is always empty");

typedef struct block {
  struct block *next_free; /* protected by LOCK_SHARDS */
  bool shared;
  bool has_shared; /* some of its shards are: its thread's events go the long way, which asks each shard */
  _Atomic(shard *) shards[THREAD_OWN_PLACES]; /* by COUNTERS_PLACE */
} block;

static block shared_block = {.shared = true, .has_shared = true};
static shard last_resort[POOL_COUNT]; /* threads share these that found no memory for one of their own */
static block *free_blocks;            /* protected by LOCK_SHARDS */
static pthread_key_t exit_key;
static bool have_exit_key;
static __thread block *own_block; /* NULL: none yet */

/* How far a shard may be ahead of what its pool publishes. */
#define EXACT COUNTERS_EXACT
static _Atomic int64_t quanta[POOL_COUNT] = {[0 ... POOL_COUNT - 1] = COUNTERS_QUANTUM};

static int64_t quantum_of(unsigned pool) { return atomic_load_explicit(&quanta[pool], memory_order_relaxed); }

void (*counters_on_new_shard)(void);
void (*counters_on_publish)(int64_t change);
void (*_Atomic counters_ask_for_end)(void);
void (*_Atomic counters_on_first_event)(unsigned pool);

static void leave_block(void *leaving);

/* Has the quick way find the thread's shards, if nobody else writes one of them. */
static void offer_shards(void) {
  thread_own_data.shards = own_block && !own_block->has_shared ? own_block->shards : thread_own_no_shards;
}

static __attribute__((noinline, cold)) block *find_block(void) {
  int saved = errno, cancel_state = nocancel_begin();
  if (!area_settle()) {
    nocancel_end(cancel_state);
    return &shared_block;
  }
  locks_acquire(LOCK_SHARDS);
  if (!have_exit_key) /* not in a constructor: those of the host's libraries run before ours */
    have_exit_key = !pthread_key_create(&exit_key, leave_block);
  block *b = free_blocks;
  free_blocks = b ? b->next_free : NULL;
  b = b ? b : area_take_block(sizeof *b);
  locks_release(LOCK_SHARDS);
  /* A block that would not come back at the thread's end is not worth having. */
  if (b && (!have_exit_key || pthread_setspecific(exit_key, b))) {
    leave_block(b);
    b = NULL;
  }
  own_block = b ? b : &shared_block;
  offer_shards();
  nocancel_end(cancel_state);
  errno = saved;
  return own_block;
}

/* Takes a shard of the pool for the block: a fresh one, or the one that is always there. */
static shard *take_shard(const block *b, unsigned pool) {
  shard *s = area_take_shard();
  bool shared = b->shared || !s;
  if (!s)
    s = &last_resort[pool];
  s->shared = shared;
  return s;
}

static void list_shard(shard *s, unsigned pool) {
  if (atomic_exchange(&s->pool, pool + 1)) /* the last resort is listed already */
    return;
  atomic_store(&s->highest, quantum_of(pool) == EXACT ? EXACT : 0);
  s->next = atomic_load(&area_shards[pool]);
  atomic_store_explicit(&area_shards[pool], s, memory_order_release);
}

static __attribute__((noinline, cold)) shard *make_shard(block *b, unsigned pool) {
  int saved = errno, cancel_state = nocancel_begin();
  if (!area_settle()) { /* a handler of the program's runs in a fork's child: alone, with all locks held */
    last_resort[pool].shared = true;
    list_shard(&last_resort[pool], pool);
    nocancel_end(cancel_state);
    return &last_resort[pool];
  }
  locks_acquire(LOCK_SHARDS);
  _Atomic(shard *) *place = &b->shards[COUNTERS_PLACE(pool)];
  shard *s = atomic_load(place); /* another thread may have made it, in the shared block */
  if (!s) {
    s = take_shard(b, pool);
    list_shard(s, pool);
    atomic_store(place, s);
    b->has_shared |= s->shared;
    offer_shards();
  }
  locks_release(LOCK_SHARDS);
  if (counters_on_new_shard)
    counters_on_new_shard();
  void (*on_first)(unsigned) = atomic_exchange(&counters_on_first_event, NULL);
  if (on_first)
    on_first(pool);
  nocancel_end(cancel_state);
  errno = saved;
  return s;
}

static inline shard *own_shard(unsigned pool) {
  block *b = own_block;
  if (__builtin_expect(!b, 0))
    b = find_block();
  shard *s = atomic_load_explicit(&b->shards[COUNTERS_PLACE(pool)], memory_order_relaxed);
  return __builtin_expect(s != NULL, 1) ? s : make_shard(b, pool);
}

static void raise_to(_Atomic int64_t *peak, int64_t value) {
  int64_t seen = atomic_load_explicit(peak, memory_order_relaxed);
  while (seen < value && !atomic_compare_exchange_weak(peak, &seen, value)) {
  }
}

/* Brings up to date one of the two figures that others have of the shard, and returns what they have to add.
 * The difference to what they have heals whatever came in between; of a shard that several threads write it
 * is never known, and each tells its own change. */
static int64_t tell_live(shard *s, _Atomic int64_t *told, int64_t change) {
  if (s->shared) {
    atomic_fetch_add_explicit(told, change, memory_order_relaxed);
    return change;
  }
  int64_t live = counters_live_of(s);
  return live - atomic_exchange(told, live);
}

static void publish_exactly(shard *s, unsigned pool, int64_t change, bool charged) {
  int64_t news = tell_live(s, &s->published, change);
  int64_t before = atomic_fetch_add_explicit(&area_pools[pool].published, news, memory_order_relaxed);
  raise_to(&area_pools[pool].peak, before + news);
  int64_t uncharged = tell_live(s, &s->charged, change) - (charged ? change : 0);
  if (__builtin_expect(uncharged != 0, 0))
    limits_adjust(pool, uncharged);
}

__attribute__((noinline)) void counters_publish(shard *s, unsigned pool, int64_t change, bool charged) {
  if (quantum_of(pool) == EXACT) {
    publish_exactly(s, pool, change, charged);
    counters_tell_published(pool, change, 0);
    return;
  }
  int64_t live = counters_live_of(s),
          known = atomic_exchange_explicit(&s->published, live, memory_order_relaxed);
  int64_t highest = atomic_exchange_explicit(&s->highest, live, memory_order_relaxed);
  int64_t before = atomic_fetch_add_explicit(&area_pools[pool].published, live - known, memory_order_relaxed);
  raise_to(&area_pools[pool].peak, before - known + (highest > live ? highest : live));
  counters_tell_published(pool, live - known, highest > live ? highest - live : 0);
}

static void publish_block(block *b) {
  for (unsigned pool = 0; pool < POOL_COUNT; pool++) {
    shard *s = atomic_load_explicit(&b->shards[COUNTERS_PLACE(pool)], memory_order_relaxed);
    if (s)
      counters_publish(s, pool, 0, false);
  }
}

void counters_publish_own(void) {
  if (own_block)
    publish_block(own_block);
}

/* Leaves the thread's block to the next new thread. It is a key destructor. */
static void leave_block(void *leaving) {
  block *b = leaving;
  own_block = &shared_block;
  offer_shards();
  publish_block(b);
  locks_acquire(LOCK_SHARDS);
  b->next_free = free_blocks;
  free_blocks = b;
  locks_release(LOCK_SHARDS);
}

/* Counts an event that changes live bytes, with plain stores to the thread's own shard, or atomic adds to a
 * shared one. Where the pool's figures became exact meanwhile they are told: whoever made them so sees the
 * event in the shard, or the event sees that (counters_charge). */
#define COUNT(event, change, charged, ...)                                                                   \
  shard *s = own_shard(pool);                                                                                \
  int64_t most = quantum_of(pool);                                                                           \
  if (__builtin_expect(!s->shared, 1))                                                                       \
    event(s, pool, most, __VA_ARGS__, false, charged);                                                       \
  else                                                                                                       \
    event(s, pool, most, __VA_ARGS__, true, charged);                                                        \
  if (__builtin_expect(quantum_of(pool) != most, 0))                                                         \
  counters_publish(s, pool, change, charged)

void counters_allocated(unsigned pool, int64_t size) {
  COUNT(counters_grew, size, false, counters_bucket(size), size);
}

void counters_freed(unsigned pool, int64_t size) {
  counters_tell_freed();
  COUNT(counters_left, -size, false, counters_bucket(size), size);
}

void counters_reallocated(unsigned pool, int64_t old_size, int64_t new_size, counters_kind kind) {
  COUNT(counters_resized, new_size - old_size, false, old_size, new_size, kind);
}

void counters_allocated_charged(unsigned pool, int64_t size) {
  COUNT(counters_grew, size, true, counters_bucket(size), size);
}

void counters_freed_charged(unsigned pool, int64_t size) {
  counters_tell_freed();
  COUNT(counters_left, -size, true, counters_bucket(size), size);
}

void counters_reallocated_charged(unsigned pool, int64_t old_size, int64_t new_size, counters_kind kind) {
  COUNT(counters_resized, new_size - old_size, true, old_size, new_size, kind);
}

static void count_one(unsigned pool, size_t field) {
  shard *s = own_shard(pool);
  counters_add(&s->sums[field], 1, s->shared);
}

void counters_failed(unsigned pool) { count_one(pool, FIELD(num_failed)); }

void counters_fell_back(unsigned pool) { count_one(pool, FIELD(num_fallbacks)); }

static int64_t of_baseline(unsigned pool, size_t field) {
  return atomic_load_explicit(&area_pools[pool].baseline[field], memory_order_relaxed);
}

/* Adds what a shard or a baseline has stored, with that sign, to a pool's figures, and returns what was freed
 * (bytes). It reads where things are stored: a signal's dump comes by here, perhaps on the smallest of
 * stacks. */
static int64_t add_sums(arrowpool_stats *out, const _Atomic int64_t *stored, int64_t sign) {
#define X(name, unit, type, metric, help)                                                                    \
  out->name += sign * atomic_load_explicit(&stored[FIELD(name)], memory_order_relaxed);
  FIELDS_STORED(X)
#undef X
  for (size_t i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++) {
    int64_t in = sign * atomic_load_explicit(&stored[FIELD(size_histogram) + i], memory_order_relaxed);
    out->size_histogram[i] += in;
    out->live_histogram[i] +=
        in - sign * atomic_load_explicit(&stored[FIELD(left_histogram) + i], memory_order_relaxed);
  }
  return sign * atomic_load_explicit(&stored[FIELD(bytes_freed)], memory_order_relaxed);
}

void counters_read(unsigned pool, arrowpool_stats *out) {
  *out = (arrowpool_stats){.struct_size = sizeof *out, .limit_bytes = ARROWPOOL_UNKNOWN};
  int64_t gone = add_sums(out, area_pools[pool].baseline, -1);
  for (shard *s = atomic_load_explicit(&area_shards[pool], memory_order_acquire); s; s = s->next)
    gone += add_sums(out, s->sums, 1);
  out->num_reallocations = out->reallocs_in_place + out->reallocs_remapped + out->reallocs_copied;
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++) {
    out->num_allocations += out->size_histogram[i];
    out->live_histogram[i] = out->live_histogram[i] > 0 ? out->live_histogram[i] : 0;
  }
  bool exact = quantum_of(pool) == EXACT;
  int64_t published = atomic_load_explicit(&area_pools[pool].published, memory_order_relaxed);
  int64_t live = exact ? published : out->total_bytes_allocated - gone;
  int64_t peak = atomic_load_explicit(&area_pools[pool].peak, memory_order_relaxed), most = peak;
  for (shard *s = exact ? NULL : atomic_load_explicit(&area_shards[pool], memory_order_acquire); s;
       s = s->next) {
    int64_t ahead = counters_ahead(atomic_load_explicit(&s->highest, memory_order_relaxed),
                                   atomic_load_explicit(&s->published, memory_order_relaxed));
    peak = published + ahead > peak ? published + ahead : peak;
    most += COUNTERS_QUANTUM;
  }
  out->bytes_allocated = counters_plausible(live, exact ? live : most);
  out->max_memory = peak > out->bytes_allocated ? peak : out->bytes_allocated;
  raise_to(&area_pools[pool].peak, out->max_memory); /* what was reported once is never taken back */
  out->inherited_bytes = area_pools[pool].inherited;
}

void counters_read_history(unsigned pool, counters_history *out) {
  arrowpool_stats recent;
  counters_read(pool, &recent);
  const area_pool *p = &area_pools[pool];
  int64_t old_peak = atomic_load_explicit(&p->old_peak, memory_order_relaxed);
  *out = (counters_history){.bytes_allocated = recent.bytes_allocated,
                            .max_memory = old_peak > recent.max_memory ? old_peak : recent.max_memory,
                            .total_bytes_allocated = recent.total_bytes_allocated +
                                                     of_baseline(pool, FIELD(total_bytes_allocated)) -
                                                     p->forgotten_bytes,
                            .num_allocations = recent.num_allocations - p->forgotten_allocations};
  for (size_t i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    out->num_allocations += of_baseline(pool, FIELD(size_histogram) + i);
}

static void store_if_changed(_Atomic int64_t *where, int64_t value) {
  if (atomic_load_explicit(where, memory_order_relaxed) != value)
    atomic_store_explicit(where, value, memory_order_relaxed);
}

/* Brings up to date what the pool publishes, and its shards. */
static void settle(unsigned pool, int64_t live) {
  bool exact = quantum_of(pool) == EXACT;
  for (shard *s = atomic_load(&area_shards[pool]); s; s = s->next) {
    int64_t here = counters_live_of(s);
    store_if_changed(&s->published, here);
    store_if_changed(&s->highest, exact ? EXACT : here);
    store_if_changed(&s->charged, exact ? here : 0);
  }
  atomic_store(&area_pools[pool].published, live);
}

/* Makes everything counted so far the baseline; live bytes stay if asked to. The shards keep their sums: to
 * zero them would copy all their pages after a fork. */
static void rebase(unsigned pool, bool keep_live) {
  arrowpool_stats before;
  counters_read(pool, &before);
  raise_to(&area_pools[pool].old_peak, before.max_memory);
  int64_t sums[FIELDS] = {0};
  for (shard *s = atomic_load(&area_shards[pool]); s; s = s->next)
    for (size_t i = 0; i < FIELDS; i++)
      sums[i] += atomic_load_explicit(&s->sums[i], memory_order_relaxed);
  int64_t grown = sums[FIELD(total_bytes_allocated)] - of_baseline(pool, FIELD(total_bytes_allocated));
  int64_t live = keep_live ? grown - sums[FIELD(bytes_freed)] + of_baseline(pool, FIELD(bytes_freed)) : 0;
  sums[FIELD(bytes_freed)] += live;
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS && keep_live; i++)
    sums[FIELD(left_histogram) + i] += before.live_histogram[i];
  for (size_t i = 0; i < FIELDS; i++)
    atomic_store_explicit(&area_pools[pool].baseline[i], sums[i], memory_order_relaxed);
  atomic_store(&area_pools[pool].inherited, live);
  settle(pool, live);
  atomic_store(&area_pools[pool].peak, live);
  atomic_store(&area_pools[pool].ends, 0);
}

void counters_be_exact(unsigned pool) {
  arrowpool_stats before;
  area_settle();
  counters_read(pool, &before); /* this raises the peak to what is not published yet */
  limits_adjust(pool,
                of_baseline(pool, FIELD(bytes_freed)) - of_baseline(pool, FIELD(total_bytes_allocated)));
  atomic_store(&quanta[pool], EXACT);
}

void counters_reset(unsigned pool) {
  counters_history before;
  area_settle();
  counters_read_history(pool, &before);
  rebase(pool, false);
  atomic_store(&area_pools[pool].old_peak, 0);
  atomic_fetch_add(&area_pools[pool].forgotten_bytes, before.total_bytes_allocated);
  atomic_fetch_add(&area_pools[pool].forgotten_allocations, before.num_allocations);
}

/* With a live file the child finds its blocks empty (fork_detect.h), and its thread's block is put back. */
static block own_at_fork; /* its contents are valid from counters_prefork on, under LOCK_SHARDS */

void counters_prefork(void) {
  area_is_forking = true;
  if (own_block)
    memcpy(&own_at_fork, own_block, sizeof own_at_fork);
}

void counters_forget_shards(void) {
  memset(shared_block.shards, 0, sizeof shared_block.shards);
  own_block = free_blocks = NULL;
  offer_shards();
}

void counters_postfork_parent(void) { area_is_forking = false; }

void counters_fork_child(void) {
  area_is_forking = false;
  if (own_block)
    memcpy(own_block, &own_at_fork, sizeof own_at_fork);
  for (unsigned pool = 0; pool < POOL_COUNT; pool++)
    if (atomic_load(&area_shards[pool]))
      rebase(pool, true);
  /* The blocks of threads that do not exist here stay out of use: their sums are in the baseline. */
}
