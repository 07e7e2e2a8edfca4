/* Pools that are found by their buffers (pool_found_by): small blocks, packed extents and slots say whose
 * they are, through every resize, until they are freed, and whoever has them next. */
#include "unit.h"

#include "memory/page_runs.h"
#include "pool/pool.h"
#include "pool/pool_quick.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static arrowpool_pool *found[2],
    *plain; /* the last one is as libc's: it takes what nobody else is found for */

static arrowpool_pool *make(const char *name, bool is_found) {
  arrowpool_pool *pool;
  pool_config config = {.backend = &backend_jemalloc,
                        .size_source = POOL_SIZE_FROM_BACKEND,
                        .frees = POOL_OWN_FREES_PASS,
                        .is_found = is_found};
  assert_int_equal(pool_create(name, config, &pool), ARROWPOOL_OK);
  return pool;
}

static int set_up(void **state) {
  (void)state;
  assert_true(backend_jemalloc_keep_owners());
  found[0] = make("lib.one", true);
  found[1] = make("lib.two", true);
  plain = make("libc", false);
  return 0;
}

static arrowpool_pool *pool_of(const void *buffer) {
  arrowpool_pool *pool = pool_found_by(buffer);
  return pool ? pool : plain;
}

/* By the way of hooks. */
static void *allocate(arrowpool_pool *pool, int64_t size, int64_t alignment) {
  void *buffer;
  bool small = alignment <= 64;
  if (small && pool != plain && pool_quick_allocate_found(pool, size, &buffer))
    return buffer;
  if (small && pool == plain && pool_quick_allocate_noted(pool, size, &buffer))
    return buffer;
  CHECK(pool_allocate(pool, size, alignment, &buffer) == ARROWPOOL_OK);
  return buffer;
}

static void release(void *buffer) {
  if (!pool_quick_free_found(buffer))
    pool_free(pool_of(buffer), buffer, POOL_SIZE_UNKNOWN, 0);
}

static int64_t live(const arrowpool_pool *pool) {
  arrowpool_stats stats = {.struct_size = sizeof stats};
  pool_read(pool, &stats);
  return stats.bytes_allocated;
}

static const int64_t sizes[] = {1,     64,    65,    1000,    14336,   28672,   28673,
                                40000, 65535, 65536, 1 << 20, 5 << 20, 40 << 20};

TEST(a_buffer_of_any_size_finds_its_pool_until_it_is_freed) {
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    void *a = allocate(found[0], sizes[i], 64), *b = allocate(found[1], sizes[i], 64),
         *c = allocate(plain, sizes[i], 64);
    assert_ptr_equal(pool_of(a), found[0]);
    assert_ptr_equal(pool_of(b), found[1]);
    assert_null(pool_found_by(c));
    assert_int_equal(live(found[0]), sizes[i]);
    release(a);
    assert_int_equal(live(found[0]), 0);
    assert_int_equal(live(found[1]), sizes[i]);
    a = allocate(plain, sizes[i], 64); /* most likely in the same place */
    assert_null(pool_found_by(a));
    release(a);
    release(b);
    release(c);
    assert_int_equal(live(found[1]) + live(plain), 0);
  }
}

TEST(a_buffer_stays_with_its_pool_when_it_is_resized) {
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    for (size_t j = 0; j < COUNT_OF(sizes); j++) {
      void *buffer = allocate(found[0], sizes[i], 64);
      unit_write(buffer, sizes[i], i);
      assert_int_equal(pool_reallocate(pool_of(buffer), POOL_SIZE_UNKNOWN, sizes[j], 0, &buffer),
                       ARROWPOOL_OK);
      assert_ptr_equal(pool_of(buffer), found[0]);
      assert_true(unit_matches(buffer, sizes[i], sizes[i] < sizes[j] ? sizes[i] : sizes[j], i));
      assert_int_equal(live(found[0]), sizes[j]);
      release(buffer);
    }
}

TEST(alignments_change_nothing) {
  for (int64_t alignment = 8; alignment <= 8 * MIB; alignment *= 2)
    for (int64_t size = 1; size <= 4 * MIB; size *= 4) {
      void *buffer = allocate(found[1], size, alignment);
      assert_true(unit_aligned(buffer, alignment) && pool_of(buffer) == found[1]);
      release(buffer);
    }
  assert_int_equal(live(found[1]), 0);
}

TEST(a_block_that_stands_apart_has_an_owner_too) {
  void *block = backend_jemalloc_allocate_apart(1000, 64);
  if (!block)
    SKIP("there is no room apart");
  backend_jemalloc.remember(block, 1000);
  backend_jemalloc_set_owner(block, 77);
  assert_int_equal(backend_jemalloc_owner(block), 77);
  assert_int_equal(backend_jemalloc.forget(block), 1000);
  assert_int_equal(backend_jemalloc_owner(block), 0);
  backend_jemalloc.free(block, 0, 0);
}

TEST(any_address_may_be_asked_about) {
  char *large = allocate(found[0], 8 << 20, 64), *packed = allocate(found[0], 1 << 20, 64);
  char here;
  assert_null(pool_found_by(&here));
  assert_null(pool_found_by(NULL));
  assert_null(pool_found_by(page_runs_window.base + page_runs_window.size - 64));
  assert_null(pool_found_by(page_runs_cached.base + page_runs_cached.size - 1));
  assert_null(pool_found_by(packed + 4096));
  release(large);
  release(packed);
  assert_null(pool_found_by(packed));
}

TEST(memory_is_zero_that_was_to_be_zeroed) {
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    for (int again = 0; again < 2; again++) {
      unsigned char *buffer = allocate(found[0], sizes[i], 64);
      backend_jemalloc_zero(buffer, (size_t)sizes[i]);
      for (int64_t at = 0; at < sizes[i]; at++)
        if (buffer[at])
          fail_msg("byte %jd of %jd", (intmax_t)at, (intmax_t)sizes[i]);
      memset(buffer, 1, (size_t)sizes[i]);
      release(buffer);
    }
}

/* ---- threads ---- */

#define PLACES 128
#define ROUNDS 20000

typedef struct held {
  uint8_t *buffer;
  int64_t size;
  uint64_t tag;
  arrowpool_pool *pool;
} held;

static held places[PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static held exchange(size_t place, held mine) {
  pthread_mutex_lock(&lock);
  held theirs = places[place];
  places[place] = mine;
  pthread_mutex_unlock(&lock);
  return theirs;
}

static void check(const held *h) {
  CHECK(pool_of(h->buffer) == h->pool && unit_matches(h->buffer, h->size, h->size, h->tag));
}

static void *body(void *index) {
  unsigned seed = (unsigned)(uintptr_t)index + 1;
  for (int i = 0; i < ROUNDS / (UNIT_SANITIZED ? 4 : 1); i++) {
    arrowpool_pool *const pools[] = {found[0], found[1], plain};
    held h = {.size = rand_r(&seed) % (rand_r(&seed) % 100 ? 2000 : 2000000) + 1,
              .tag = (uint64_t)rand_r(&seed),
              .pool = pools[rand_r(&seed) % 3]};
    h.buffer = allocate(h.pool, h.size, rand_r(&seed) % 8 ? 16 : (int64_t)8 << rand_r(&seed) % 12);
    unit_write(h.buffer, h.size, h.tag);
    h = exchange((size_t)rand_r(&seed) % PLACES, h);
    if (!h.buffer)
      continue;
    check(&h);
    if (rand_r(&seed) % 3 == 0) {
      void *buffer = h.buffer;
      h.size = h.size * (rand_r(&seed) % 16 + 1) / 6 + 1;
      CHECK(pool_reallocate(pool_of(buffer), POOL_SIZE_UNKNOWN, h.size, 0, &buffer) == ARROWPOOL_OK);
      h.buffer = buffer;
      unit_write(h.buffer, h.size, h.tag);
      check(&h);
    }
    release(h.buffer);
  }
  return NULL;
}

TEST(threads_free_and_resize_what_others_have_from_any_pool) {
  unit_run_threads(4, body);
  int64_t sums[2] = {0};
  for (size_t i = 0; i < PLACES; i++)
    if (places[i].buffer) {
      check(&places[i]);
      sums[0] += places[i].pool == found[0] ? places[i].size : 0;
      sums[1] += places[i].pool == found[1] ? places[i].size : 0;
    }
  assert_int_equal(live(found[0]), sums[0]);
  assert_int_equal(live(found[1]), sums[1]);
  for (size_t i = 0; i < PLACES; i++)
    if (places[i].buffer)
      release(places[i].buffer);
  assert_int_equal(live(found[0]) + live(found[1]) + live(plain), 0);
}

TEST(owners_cannot_be_kept_once_blocks_are_there) { assert_false(backend_jemalloc_keep_owners()); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_buffer_of_any_size_finds_its_pool_until_it_is_freed),
      cmocka_unit_test(a_buffer_stays_with_its_pool_when_it_is_resized),
      cmocka_unit_test(alignments_change_nothing),
      cmocka_unit_test(a_block_that_stands_apart_has_an_owner_too),
      cmocka_unit_test(any_address_may_be_asked_about),
      cmocka_unit_test(memory_is_zero_that_was_to_be_zeroed),
      cmocka_unit_test(threads_free_and_resize_what_others_have_from_any_pool),
      cmocka_unit_test(owners_cannot_be_kept_once_blocks_are_there),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
