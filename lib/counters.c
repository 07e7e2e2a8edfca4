/* See counters.h. */
#include "counters.h"

#include "gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define FIELDS      (sizeof(counters_values) / sizeof(int64_t))
#define FIELD(name) (offsetof(counters_values, name) / sizeof(int64_t))
#define MEMORY_STEP ((size_t)64 << 10)

typedef struct shard {
  _Alignas(64) _Atomic int64_t values[FIELDS];
  _Atomic int64_t pending;      /* live bytes not yet in the pool's `published` */
  _Atomic int64_t pending_peak; /* highest value of `pending` since it was last published */
  struct shard *next;           /* of the same pool */
  bool shared;                  /* written by several threads */
} shard;

typedef struct block {
  struct block *next_free; /* protected by GATE_SHARDS */
  bool shared;
  _Atomic(shard *) shards[COUNTERS_POOLS];
} block;

static struct {
  _Alignas(64) _Atomic int64_t published; /* live bytes, without what the shards have pending */
  _Atomic int64_t peak;
  _Atomic(shard *) shards;  /* only ever pushed to */
  counters_values baseline; /* subtracted from the sums: a fork's parent, or an earlier pool of the number */
  int64_t inherited;
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

static inline int64_t add(shard *s, _Atomic int64_t *counter, int64_t amount) {
  if (__builtin_expect(s->shared, 0))
    return atomic_fetch_add_explicit(counter, amount, memory_order_relaxed) + amount;
  int64_t sum = atomic_load_explicit(counter, memory_order_relaxed) + amount;
  atomic_store_explicit(counter, sum, memory_order_relaxed);
  return sum;
}

static void raise_to(_Atomic int64_t *peak, int64_t value) {
  int64_t seen = atomic_load_explicit(peak, memory_order_relaxed);
  while (seen < value && !atomic_compare_exchange_weak(peak, &seen, value)) {
  }
}

static __attribute__((noinline)) void publish(shard *s, unsigned pool) {
  int64_t highest = atomic_exchange_explicit(&s->pending_peak, 0, memory_order_relaxed);
  int64_t pending = atomic_exchange_explicit(&s->pending, 0, memory_order_relaxed);
  int64_t before = atomic_fetch_add_explicit(&pools[pool].published, pending, memory_order_relaxed);
  raise_to(&pools[pool].peak, before + (highest > pending ? highest : pending));
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

static inline void add_live(shard *s, unsigned pool, int64_t amount) {
  add(s, &s->values[FIELD(bytes_allocated)], amount);
  int64_t pending = add(s, &s->pending, amount);
  if (pending > atomic_load_explicit(&s->pending_peak, memory_order_relaxed))
    atomic_store_explicit(&s->pending_peak, pending, memory_order_relaxed);
  if (__builtin_expect(pending > COUNTERS_QUANTUM || pending < -COUNTERS_QUANTUM, 0))
    publish(s, pool);
}

static inline void add_size(shard *s, unsigned pool, int64_t size, int64_t amount) {
  int bucket = 63 - __builtin_clzll((unsigned long long)size);
  if (bucket >= ARROWPOOL_HISTOGRAM_BUCKETS)
    bucket = ARROWPOOL_HISTOGRAM_BUCKETS - 1;
  add(s, &s->values[FIELD(size_histogram) + (size_t)bucket], 1);
  add(s, &s->values[FIELD(num_allocations)], 1);
  add(s, &s->values[FIELD(total_bytes_allocated)], amount);
  add_live(s, pool, amount);
}

void counters_allocated(unsigned pool, int64_t size) {
  shard *s = own_shard(pool);
  if (s)
    add_size(s, pool, size, size);
}

void counters_freed(unsigned pool, int64_t size) {
  shard *s = own_shard(pool);
  if (!s)
    return;
  add(s, &s->values[FIELD(num_frees)], 1);
  add_live(s, pool, -size);
}

void counters_reallocated(unsigned pool, int64_t old_size, int64_t new_size, counters_kind kind) {
  static const unsigned char calls[] = {FIELD(reallocs_in_place), FIELD(reallocs_remapped),
                                        FIELD(reallocs_copied)};
  static const unsigned char bytes[] = {FIELD(bytes_grown_in_place), FIELD(bytes_remapped),
                                        FIELD(bytes_copied)};
  shard *s = own_shard(pool);
  if (!s)
    return;
  add(s, &s->values[FIELD(num_reallocations)], 1);
  add(s, &s->values[calls[kind]], 1);
  /* Shrinking leaves or takes along only what is kept. */
  add(s, &s->values[bytes[kind]], old_size < new_size ? old_size : new_size);
  if (new_size > old_size)
    add_size(s, pool, new_size, new_size - old_size);
  else
    add_live(s, pool, new_size - old_size);
}

void counters_failed(unsigned pool) {
  shard *s = own_shard(pool);
  if (s)
    add(s, &s->values[FIELD(num_failed)], 1);
}

void counters_fell_back(unsigned pool) {
  shard *s = own_shard(pool);
  if (s)
    add(s, &s->values[FIELD(num_fallbacks)], 1);
}

static void sum_shards(unsigned pool, counters_values *out) {
  int64_t sums[FIELDS] = {0};
  for (shard *s = atomic_load_explicit(&pools[pool].shards, memory_order_acquire); s; s = s->next)
    for (size_t i = 0; i < FIELDS; i++)
      sums[i] += atomic_load_explicit(&s->values[i], memory_order_relaxed);
  memcpy(out, sums, sizeof sums);
}

void counters_read(unsigned pool, counters_sum *out) {
  int64_t sums[FIELDS], baseline[FIELDS];
  sum_shards(pool, &out->values);
  memcpy(sums, &out->values, sizeof sums);
  memcpy(baseline, &pools[pool].baseline, sizeof baseline);
  for (size_t i = 0; i < FIELDS; i++)
    sums[i] -= baseline[i];
  memcpy(&out->values, sums, sizeof sums);
  if (out->values.bytes_allocated < 0) /* a free was seen before its allocation, on another shard */
    out->values.bytes_allocated = 0;
  int64_t published = atomic_load_explicit(&pools[pool].published, memory_order_relaxed);
  int64_t peak = atomic_load_explicit(&pools[pool].peak, memory_order_relaxed);
  for (shard *s = atomic_load_explicit(&pools[pool].shards, memory_order_acquire); s; s = s->next) {
    int64_t candidate = published + atomic_load_explicit(&s->pending_peak, memory_order_relaxed);
    peak = candidate > peak ? candidate : peak;
  }
  out->max_memory = peak > out->values.bytes_allocated ? peak : out->values.bytes_allocated;
  out->inherited_bytes = pools[pool].inherited;
}

/* Everything counted so far becomes the baseline; live bytes stay if asked to. The shards keep their sums:
 * to zero them would copy all their pages after a fork. */
static void rebase(unsigned pool, bool keep_live) {
  counters_values *baseline = &pools[pool].baseline;
  int64_t live = -baseline->bytes_allocated;
  sum_shards(pool, baseline);
  live += baseline->bytes_allocated;
  if (keep_live)
    baseline->bytes_allocated -= live;
  pools[pool].inherited = keep_live ? live : 0;
  for (shard *s = atomic_load(&pools[pool].shards); s; s = s->next) {
    if (atomic_load_explicit(&s->pending, memory_order_relaxed))
      atomic_store_explicit(&s->pending, 0, memory_order_relaxed);
    if (atomic_load_explicit(&s->pending_peak, memory_order_relaxed))
      atomic_store_explicit(&s->pending_peak, 0, memory_order_relaxed);
  }
  atomic_store(&pools[pool].published, pools[pool].inherited);
  atomic_store(&pools[pool].peak, pools[pool].inherited);
}

void counters_reset(unsigned pool) { rebase(pool, false); }

void counters_fork_child(void) {
  for (unsigned pool = 0; pool < COUNTERS_POOLS; pool++)
    if (atomic_load(&pools[pool].shards))
      rebase(pool, true);
  /* The blocks of threads that do not exist here stay out of use: their sums are in the baseline. */
}
