/* See counters.h. */
#include "counters.h"

#include "gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY_STEP ((size_t)64 << 10)

/* What a shard stores: sums that only grow. */
typedef struct sums {
#define X(name, unit, help) int64_t name;
  COUNTERS_STORED(X)
#undef X
  int64_t bytes_freed; /* with what shrinking gave up */
  int64_t num_growths; /* reallocations in the size histogram, beside the allocations */
  int64_t size_histogram[ARROWPOOL_HISTOGRAM_BUCKETS];
} sums;

#define FIELDS      (sizeof(sums) / sizeof(int64_t))
#define FIELD(name) (offsetof(sums, name) / sizeof(int64_t))

/* Live bytes here are those of the shard: negative where others' buffers are freed. */
typedef struct shard {
  _Alignas(64) _Atomic int64_t sums[FIELDS];
  _Atomic int64_t published; /* of its live bytes, what the pool's `published` has */
  _Atomic int64_t highest;   /* most live bytes since that was brought up to date */
  struct shard *next;        /* of the same pool */
  bool shared;               /* written by several threads */
} shard;

typedef struct block {
  struct block *next_free; /* protected by GATE_SHARDS */
  bool shared;
  _Atomic(shard *) shards[COUNTERS_POOLS];
} block;

static struct {
  _Alignas(64) _Atomic int64_t published; /* live bytes, up to COUNTERS_QUANTUM a shard behind */
  _Atomic int64_t peak;
  _Atomic(shard *) shards; /* only ever pushed to */
  _Atomic int64_t
      baseline[FIELDS]; /* subtracted: what a fork's parent counted, or an earlier pool of the number */
  _Atomic int64_t inherited;
  _Atomic int64_t old_peak; /* of this process and its parents, when the present peak was begun */
} pools[COUNTERS_POOLS];

static block shared_block = {.shared = true};
static block *free_blocks; /* protected by GATE_SHARDS */
static pthread_key_t exit_key;
static bool have_exit_key;
static __thread block *own_block; /* NULL: none yet */

static void leave_block(void *leaving);

__attribute__((constructor(101))) static void make_exit_key(void) {
  have_exit_key = !pthread_key_create(&exit_key, leave_block);
}

/* Zeroed memory that is never given back. Called with GATE_SHARDS held. */
static void *take_memory(size_t size) {
  static char *next, *end;
  size = (size + 63) & ~(size_t)63;
  if ((size_t)(end - next) < size) {
    char *fresh = mmap(NULL, MEMORY_STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED)
      return NULL;
    next = fresh;
    end = fresh + MEMORY_STEP;
  }
  void *memory = next;
  next += size;
  return memory;
}

static __attribute__((noinline, cold)) block *find_block(void) {
  int saved = errno;
  gate_lock(GATE_SHARDS);
  block *b = free_blocks;
  if (b)
    free_blocks = b->next_free;
  else
    b = take_memory(sizeof *b);
  gate_unlock(GATE_SHARDS);
  /* A block that would not come back at the thread's end is not worth having. */
  if (b && (!have_exit_key || pthread_setspecific(exit_key, b))) {
    leave_block(b);
    b = NULL;
  }
  own_block = b ? b : &shared_block;
  errno = saved;
  return own_block;
}

/* NULL, so that the event goes uncounted, when not even a page is left. */
static __attribute__((noinline, cold)) shard *make_shard(block *b, unsigned pool) {
  int saved = errno;
  gate_lock(GATE_SHARDS);
  shard *s = atomic_load(&b->shards[pool]); /* another thread's, in the shared block */
  if (!s && (s = take_memory(sizeof *s)) != NULL) {
    s->shared = b->shared;
    s->next = atomic_load(&pools[pool].shards);
    atomic_store(&b->shards[pool], s);
    atomic_store_explicit(&pools[pool].shards, s, memory_order_release);
  }
  gate_unlock(GATE_SHARDS);
  errno = saved;
  return s;
}

static inline shard *own_shard(unsigned pool) {
  block *b = own_block;
  if (__builtin_expect(!b, 0))
    b = find_block();
  shard *s = atomic_load_explicit(&b->shards[pool], memory_order_relaxed);
  return __builtin_expect(s != NULL, 1) ? s : make_shard(b, pool);
}

/* `shared` is constant at each place this is expanded. */
static inline __attribute__((always_inline)) int64_t add(_Atomic int64_t *counter, int64_t amount,
                                                         bool shared) {
  if (shared)
    return atomic_fetch_add_explicit(counter, amount, memory_order_release) + amount;
  int64_t sum = atomic_load_explicit(counter, memory_order_relaxed) + amount;
  atomic_store_explicit(counter, sum, memory_order_release);
  return sum;
}

static void raise_to(_Atomic int64_t *peak, int64_t value) {
  int64_t seen = atomic_load_explicit(peak, memory_order_relaxed);
  while (seen < value && !atomic_compare_exchange_weak(peak, &seen, value)) {
  }
}

static int64_t live_of(const shard *s) {
  return atomic_load_explicit(&s->sums[FIELD(total_bytes_allocated)], memory_order_relaxed) -
         atomic_load_explicit(&s->sums[FIELD(bytes_freed)], memory_order_relaxed);
}

static __attribute__((noinline)) void publish(shard *s, unsigned pool) {
  int64_t live = live_of(s), known = atomic_exchange_explicit(&s->published, live, memory_order_relaxed);
  int64_t highest = atomic_exchange_explicit(&s->highest, live, memory_order_relaxed);
  int64_t before = atomic_fetch_add_explicit(&pools[pool].published, live - known, memory_order_relaxed);
  raise_to(&pools[pool].peak, before - known + (highest > live ? highest : live));
}

/* The thread's block goes to the next new thread. A key destructor. */
static void leave_block(void *leaving) {
  block *b = leaving;
  own_block = &shared_block;
  for (unsigned pool = 0; pool < COUNTERS_POOLS; pool++) {
    shard *s = atomic_load_explicit(&b->shards[pool], memory_order_relaxed);
    if (s)
      publish(s, pool);
  }
  gate_lock(GATE_SHARDS);
  b->next_free = free_blocks;
  free_blocks = b;
  gate_unlock(GATE_SHARDS);
}

#define INLINE static inline __attribute__((always_inline))

INLINE void grew(shard *s, unsigned pool, int64_t size, int64_t amount, bool shared) {
  int bucket = 63 - __builtin_clzll((unsigned long long)size);
  if (bucket >= ARROWPOOL_HISTOGRAM_BUCKETS)
    bucket = ARROWPOOL_HISTOGRAM_BUCKETS - 1;
  add(&s->sums[FIELD(size_histogram) + (size_t)bucket], 1, shared);
  int64_t live = add(&s->sums[FIELD(total_bytes_allocated)], amount, shared) -
                 atomic_load_explicit(&s->sums[FIELD(bytes_freed)], memory_order_relaxed);
  if (live > atomic_load_explicit(&s->highest, memory_order_relaxed)) {
    atomic_store_explicit(&s->highest, live, memory_order_relaxed);
    if (__builtin_expect(live - atomic_load_explicit(&s->published, memory_order_relaxed) > COUNTERS_QUANTUM,
                         0))
      publish(s, pool);
  }
}

INLINE void shrank(shard *s, unsigned pool, int64_t amount, bool shared) {
  int64_t live = atomic_load_explicit(&s->sums[FIELD(total_bytes_allocated)], memory_order_relaxed) -
                 add(&s->sums[FIELD(bytes_freed)], amount, shared);
  if (__builtin_expect(atomic_load_explicit(&s->published, memory_order_relaxed) - live > COUNTERS_QUANTUM,
                       0))
    publish(s, pool);
}

INLINE void freed(shard *s, unsigned pool, int64_t size, bool shared) {
  add(&s->sums[FIELD(num_frees)], 1, shared);
  shrank(s, pool, size, shared);
}

INLINE void reallocated(shard *s, unsigned pool, int64_t old_size, int64_t new_size, counters_kind kind,
                        bool shared) {
  static const unsigned char calls[] = {FIELD(reallocs_in_place), FIELD(reallocs_remapped),
                                        FIELD(reallocs_copied)};
  static const unsigned char bytes[] = {FIELD(bytes_grown_in_place), FIELD(bytes_remapped),
                                        FIELD(bytes_copied)};
  add(&s->sums[calls[kind]], 1, shared);
  /* Shrinking leaves or takes along only what is kept. */
  add(&s->sums[bytes[kind]], old_size < new_size ? old_size : new_size, shared);
  if (new_size > old_size) {
    grew(s, pool, new_size, new_size - old_size, shared);
    add(&s->sums[FIELD(num_growths)], 1, shared); /* after the histogram: see counters_all_freed */
  } else {
    shrank(s, pool, old_size - new_size, shared);
  }
}

/* Each event: with plain stores to the thread's own shard, or atomic adds to a shared one. */
#define COUNT(event, ...)                                                                                    \
  shard *s = own_shard(pool);                                                                                \
  if (__builtin_expect(s && !s->shared, 1))                                                                  \
    event(s, pool, __VA_ARGS__, false);                                                                      \
  else if (s)                                                                                                \
  event(s, pool, __VA_ARGS__, true)

void counters_allocated(unsigned pool, int64_t size) { COUNT(grew, size, size); }

void counters_freed(unsigned pool, int64_t size) { COUNT(freed, size); }

void counters_reallocated(unsigned pool, int64_t old_size, int64_t new_size, counters_kind kind) {
  COUNT(reallocated, old_size, new_size, kind);
}

static void count_one(unsigned pool, size_t field) {
  shard *s = own_shard(pool);
  if (s)
    add(&s->sums[field], 1, s->shared);
}

void counters_failed(unsigned pool) { count_one(pool, FIELD(num_failed)); }

void counters_fell_back(unsigned pool) { count_one(pool, FIELD(num_fallbacks)); }

static void sum_shards(unsigned pool, sums *out) {
  int64_t all[FIELDS] = {0};
  for (shard *s = atomic_load_explicit(&pools[pool].shards, memory_order_acquire); s; s = s->next)
    for (size_t i = 0; i < FIELDS; i++)
      all[i] += atomic_load_explicit(&s->sums[i], memory_order_relaxed);
  memcpy(out, all, sizeof all);
}

static sums since_baseline(unsigned pool) {
  int64_t now[FIELDS];
  sums result;
  sum_shards(pool, &result);
  memcpy(now, &result, sizeof now);
  for (size_t i = 0; i < FIELDS; i++)
    now[i] -= atomic_load_explicit(&pools[pool].baseline[i], memory_order_relaxed);
  memcpy(&result, now, sizeof now);
  return result;
}

void counters_read(unsigned pool, counters_sum *out) {
  sums now = since_baseline(pool);
  counters_values *values = &out->values;
#define X(name, unit, help) values->name = now.name;
  COUNTERS_STORED(X)
#undef X
  values->num_reallocations = now.reallocs_in_place + now.reallocs_remapped + now.reallocs_copied;
  values->num_allocations = 0;
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    values->num_allocations += values->size_histogram[i] = now.size_histogram[i];
  int64_t live = now.total_bytes_allocated - now.bytes_freed;
  values->bytes_allocated =
      live > 0 ? live : 0; /* a free may be seen before its allocation, on another shard */
  int64_t published = atomic_load_explicit(&pools[pool].published, memory_order_relaxed);
  int64_t peak = atomic_load_explicit(&pools[pool].peak, memory_order_relaxed);
  for (shard *s = atomic_load_explicit(&pools[pool].shards, memory_order_acquire); s; s = s->next) {
    int64_t ahead = atomic_load_explicit(&s->highest, memory_order_relaxed) -
                    atomic_load_explicit(&s->published, memory_order_relaxed);
    peak = published + ahead > peak ? published + ahead : peak;
  }
  out->max_memory = peak > values->bytes_allocated ? peak : values->bytes_allocated;
  raise_to(&pools[pool].peak, out->max_memory); /* what was reported once is never taken back */
  out->inherited_bytes = pools[pool].inherited;
}

void counters_read_history(unsigned pool, counters_history *out) {
  counters_sum recent;
  sums ever;
  counters_read(pool, &recent);
  sum_shards(pool, &ever);
  int64_t old_peak = atomic_load_explicit(&pools[pool].old_peak, memory_order_relaxed);
  *out = (counters_history){.bytes_allocated = recent.values.bytes_allocated,
                            .max_memory = old_peak > recent.max_memory ? old_peak : recent.max_memory,
                            .total_bytes_allocated = ever.total_bytes_allocated};
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    out->num_allocations += ever.size_histogram[i];
}

static void store_if_changed(_Atomic int64_t *where, int64_t value) {
  if (atomic_load_explicit(where, memory_order_relaxed) != value)
    atomic_store_explicit(where, value, memory_order_relaxed);
}

/* Everything counted so far becomes the baseline; live bytes stay if asked to. The shards keep their sums:
 * to zero them would copy all their pages after a fork. */
static void rebase(unsigned pool, bool keep_live) {
  counters_sum before;
  counters_read(pool, &before);
  raise_to(&pools[pool].old_peak, before.max_memory);
  sums now = since_baseline(pool);
  int64_t live = keep_live ? now.total_bytes_allocated - now.bytes_freed : 0, base[FIELDS];
  sum_shards(pool, &now);
  now.bytes_freed += live;
  memcpy(base, &now, sizeof base);
  for (size_t i = 0; i < FIELDS; i++)
    atomic_store_explicit(&pools[pool].baseline[i], base[i], memory_order_relaxed);
  atomic_store(&pools[pool].inherited, live);
  for (shard *s = atomic_load(&pools[pool].shards); s; s = s->next) {
    store_if_changed(&s->published, live_of(s));
    store_if_changed(&s->highest, live_of(s));
  }
  atomic_store(&pools[pool].published, live);
  atomic_store(&pools[pool].peak, live);
}

static int64_t sum_fields(unsigned pool, size_t first, size_t count_) {
  int64_t sum = 0;
  for (shard *s = atomic_load_explicit(&pools[pool].shards, memory_order_acquire); s; s = s->next)
    for (size_t i = first; i < first + count_; i++)
      sum += atomic_load_explicit(&s->sums[i], memory_order_acquire);
  return sum;
}

/* A buffer enters the histogram before it can be freed or grow, and what is read first may only be too small:
 * so a buffer that lives is never missed. Baselines do not matter to the difference. */
bool counters_all_freed(unsigned pool) {
  int64_t gone = sum_fields(pool, FIELD(num_frees), 1) + sum_fields(pool, FIELD(num_growths), 1);
  return sum_fields(pool, FIELD(size_histogram), ARROWPOOL_HISTOGRAM_BUCKETS) == gone;
}

void counters_reset(unsigned pool) { rebase(pool, false); }

void counters_fork_child(void) {
  for (unsigned pool = 0; pool < COUNTERS_POOLS; pool++)
    if (atomic_load(&pools[pool].shards))
      rebase(pool, true);
  /* The blocks of threads that do not exist here stay out of use: their sums are in the baseline. */
}
