/* The quick way of small blocks (pool_quick.h, small_cache.h): that it is the one that is taken, that
 * jemalloc goes on as if its own had been, that the books are exact, and whom it is closed to. */
#include "unit.h"

#include "memory/backend.h"
#include "pool/pool_quick.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

static arrowpool_stats stats_of(const arrowpool_pool *pool) {
  arrowpool_stats stats = {.struct_size = sizeof stats};
  CHECK(arrowpool_get_stats(pool, &stats) == ARROWPOOL_OK);
  return stats;
}

static arrowpool_pool *open_pool(const char *name, int64_t limit_bytes) {
  arrowpool_config config = {
      .struct_size = sizeof config, .backend = ARROWPOOL_BACKEND_JEMALLOC, .limit_bytes = limit_bytes};
  arrowpool_pool *pool;
  CHECK(arrowpool_create(name, &config, &pool) == ARROWPOOL_OK);
  return pool;
}

/* A pool as the hooks have whose callers do not tell sizes. */
static arrowpool_pool *open_noted(void) {
  arrowpool_pool *pool;
  pool_config config = {.backend = &backend_jemalloc, .size_source = POOL_SIZE_FROM_BACKEND};
  CHECK(pool_create("noted", config, &pool) == ARROWPOOL_OK);
  return pool;
}

static uint8_t *take(arrowpool_pool *pool, int64_t size) {
  uint8_t *buffer;
  CHECK(arrowpool_allocate(pool, size, 64, &buffer) == ARROWPOOL_OK);
  return buffer;
}

static void pairs(arrowpool_pool *pool, int64_t size, int count) {
  while (count--)
    arrowpool_free(pool, take(pool, size), size, 64);
}

/* Blocks that the thread has cached of a size. */
static int cached(int64_t size) {
  const thread_cache_bin *bin = small_cache_bin(thread_own_data.cache, small_cache_step_of((size_t)size));
  return (uint16_t)(bin->empty - (uint16_t)(uintptr_t)bin->head) / (int)sizeof(void *);
}

TEST(every_small_size_has_the_bin_of_its_class) {
  arrowpool_pool *pool = open_pool("classes", 0);
  for (int64_t size = 1; size <= (int64_t)THREAD_CACHE_MOST; size += 13) {
    uint8_t *buffer = take(pool, size);
    assert_true(unit_aligned(buffer, 64));
    assert_int_equal(backend_jemalloc.usable_size(buffer),
                     small_cache_steps[small_cache_step_of((size_t)size)].usable);
    int before = cached(size);
    arrowpool_free(pool, buffer, size, 64);
    assert_int_equal(cached(size), before + 1);
    assert_ptr_equal(take(pool, size), buffer);
    assert_int_equal(cached(size), before);
    arrowpool_free(pool, buffer, size, 64);
  }
  assert_true(small_cache_step_of(0) >= SMALL_CACHE_STEPS);
  assert_true(small_cache_step_of(THREAD_CACHE_MOST + 1) >= SMALL_CACHE_STEPS);
  arrowpool_destroy(pool);
}

TEST(jemalloc_sums_up_what_goes_the_quick_way) {
  arrowpool_pool *pool = open_pool("sums", 0);
  int64_t allocated, deallocated, allocated_before, deallocated_before;
  pairs(pool, 1000, 10);
  assert_true(backend_jemalloc_ask("thread.allocated", &allocated_before));
  assert_true(backend_jemalloc_ask("thread.deallocated", &deallocated_before));
  pairs(pool, 1000, 100000); /* past the thresholds, too */
  assert_true(backend_jemalloc_ask("thread.allocated", &allocated));
  assert_true(backend_jemalloc_ask("thread.deallocated", &deallocated));
  assert_int_equal(allocated - allocated_before, 100000 * 1024);
  assert_int_equal(deallocated - deallocated_before, 100000 * 1024);
  arrowpool_destroy(pool);
}

TEST(what_a_thread_does_not_use_leaves_its_cache) {
  enum { BLOCKS = 300 };
  arrowpool_pool *pool = open_pool("idle", 0);
  uint8_t *buffers[BLOCKS];
  for (int i = 0; i < BLOCKS; i++)
    buffers[i] = take(pool, 64);
  for (int i = 0; i < BLOCKS; i++)
    arrowpool_free(pool, buffers[i], 64, 64);
  assert_true(cached(64) >= BLOCKS / 2);
  pairs(pool, 32 * KIB, 40000); /* more than a GiB: jemalloc has looked at each bin several times */
  assert_in_range(cached(64), 0, BLOCKS / 10);
  arrowpool_destroy(pool);
}

TEST(a_bin_holds_48_blocks_or_more_and_not_a_mebibyte) {
  uint16_t last = 0;
  pairs(arrowpool_jemalloc(), 64, 1);
  for (size_t step = 0; step < SMALL_CACHE_STEPS; step++) {
    const thread_cache_bin *bin = small_cache_bin(thread_own_data.cache, step);
    size_t most = (uint16_t)(bin->empty - bin->full) / sizeof(void *),
           usable = small_cache_steps[step].usable;
    assert_true(most >= 48 || usable > 16 * KIB);
    assert_in_range(most * usable, 1, 896 * KIB);
    assert_true(small_cache_steps[step].bin >= last); /* the bins have the order of the sizes */
    last = small_cache_steps[step].bin;
  }
}

TEST(the_books_are_exact_after_each_event) {
  arrowpool_pool *pool = open_pool("books", 0);
  uint8_t *buffers[64];
  uint64_t random = 1;
  int64_t live = 0, peak = 0, all = 0;
  for (int i = 0; i < 64; i++) {
    int64_t size = 1 + (int64_t)(unit_random(&random) % (40 * (uint64_t)KIB)); /* the long way as well */
    buffers[i] = take(pool, size);
    memcpy(buffers[i], &size, size < 8 ? 1 : sizeof size);
    live += size, all += size, peak = live > peak ? live : peak;
    if (i % 3 == 2) {
      memcpy(&size, buffers[i], sizeof size);
      arrowpool_free(pool, buffers[i], size, 64);
      live -= size;
      arrowpool_stats stats = stats_of(pool);
      assert_int_equal(stats.num_frees, i / 3 + 1);
    }
    arrowpool_stats stats = stats_of(pool);
    assert_int_equal(stats.bytes_allocated, live);
    assert_int_equal(stats.max_memory, peak);
    assert_int_equal(stats.total_bytes_allocated, all);
    assert_int_equal(stats.num_allocations, i + 1);
  }
}

TEST(pools_that_are_limited_destroyed_or_not_ours_go_the_long_way) {
  arrowpool_pool *limited = open_pool("limited", 100), *over = open_pool("over", 0);
  uint8_t *buffer = take(limited, 60), *kept = take(over, 64);
  void *out = NULL;
  pairs(limited, 30, 10);
  assert_int_equal(arrowpool_allocate(limited, 60, 64, &(uint8_t *){NULL}), ARROWPOOL_OUT_OF_MEMORY);
  arrowpool_free(limited, buffer, 60, 64);
  pairs(over, 64, 10);
  assert_true(pool_quick_allocate(over, 64, &out));
  arrowpool_free(over, out, 64, 64);
  arrowpool_destroy(over);
  assert_false(pool_quick_allocate(over, 64, &out));
  assert_int_equal(arrowpool_allocate(over, 64, 64, &buffer), ARROWPOOL_INVALID);
  assert_true(pool_quick_free(over, kept, 64)); /* what there is may still be freed */
  assert_int_equal(stats_of(over).bytes_allocated, 0);
  assert_false(pool_quick_allocate(limited, 30, &out));
  assert_false(pool_quick_allocate(arrowpool_system(), 64, &out));
  assert_false(pool_quick_allocate_noted(arrowpool_jemalloc(), 64, &out));
  arrowpool_destroy(limited);
}

TEST(what_was_freed_last_is_not_freed_again_the_quick_way) {
  arrowpool_pool *pool = open_pool("twice", 0);
  uint8_t *buffer = take(pool, 128);
  pairs(pool, 128, 3);
  assert_true(pool_quick_free(pool, buffer, 128));
  assert_false(pool_quick_free(pool, buffer, 128)); /* jemalloc is asked, and ends the program */
  assert_false(pool_quick_free(pool, &buffer, 128));
  arrowpool_destroy(pool);
}

TEST(noted_sizes_are_found_again_by_either_way) {
  arrowpool_pool *pool = open_noted();
  uint64_t random = 2;
  void *buffer, *moved;
  for (int i = 0; i < 20000; i++) {
    int64_t size = 1 + (int64_t)(unit_random(&random) % (34 * (uint64_t)KIB));
    uint64_t bits = unit_random(&random);
    if (bits & 1 || !pool_quick_allocate_noted(pool, size, &buffer))
      CHECK(pool_allocate(pool, size, bits & 2 ? 64 : 256, &buffer) == ARROWPOOL_OK);
    unit_write(buffer, size, bits);
    assert_int_equal(stats_of(pool).bytes_allocated, size);
    assert_false(pool_quick_free_noted(pool, (char *)buffer + 8)); /* no block begins there */
    if (bits & 4) {
      moved = buffer;
      assert_int_equal(pool_reallocate(pool, POOL_SIZE_UNKNOWN, size + 70, 64, &moved), ARROWPOOL_OK);
      assert_true(unit_matches(moved, size, size, bits));
      assert_int_equal(stats_of(pool).bytes_allocated, size + 70);
      buffer = moved;
    }
    if (bits & 8 || !pool_quick_free_noted(pool, buffer))
      pool_free(pool, buffer, POOL_SIZE_UNKNOWN, 0);
    assert_int_equal(stats_of(pool).bytes_allocated, 0);
    assert_false(pool_quick_free_noted(pool, buffer)); /* nor any more where it was */
  }
  assert_int_equal(stats_of(pool).num_frees, 20000);
}

/* ---- threads ---- */

static pthread_key_t keys[2];
static arrowpool_pool *ending;

/* Keys are destroyed in no order that is promised: among all rounds some come after jemalloc's and ours. */
static void use_at_end(void *round) {
  uint8_t *buffers[40];
  for (int i = 0; i < 40; i++) {
    buffers[i] = take(ending, 64 << i % 8);
    memset(buffers[i], i, 64);
  }
  for (int i = 0; i < 40; i++) {
    CHECK(buffers[i][0] == i && buffers[i][63] == i);
    arrowpool_free(ending, buffers[i], 64 << i % 8, 64);
  }
  if ((uintptr_t)round < 4)
    pthread_setspecific(keys[(uintptr_t)round % 2], (void *)((uintptr_t)round + 1));
}

static void *end_busily(__attribute__((unused)) void *index) {
  pthread_setspecific(keys[0], (void *)1);
  pairs(ending, 64, 1000);
  pthread_setspecific(keys[1], (void *)1);
  return NULL;
}

TEST(a_thread_that_is_ending_allocates_and_frees) {
  ending = open_pool("ending", 0);
  for (int i = 0; i < 2; i++)
    assert_int_equal(pthread_key_create(&keys[i], use_at_end), 0);
  for (int i = 0; i < 20; i++)
    unit_run_threads(4, end_busily);
  arrowpool_stats stats = stats_of(ending);
  assert_int_equal(stats.bytes_allocated, 0);
  assert_int_equal(stats.num_allocations, stats.num_frees);
  assert_true(stats.num_frees >= 80 * (1000 + 2 * 40));
  arrowpool_destroy(ending);
}

static void use_in_child(void) {
  pairs(ending, 64, 1000);
  arrowpool_stats stats = stats_of(ending);
  CHECK(stats.num_allocations == 1000 && stats.num_frees == 1000 && stats.inherited_bytes == 100);
  CHECK(stats.bytes_allocated == 100);
}

TEST(the_child_of_a_fork_counts_anew) {
  ending = open_pool("forked", 0);
  uint8_t *buffer = take(ending, 100);
  pairs(ending, 64, 1000);
  assert_true(unit_in_child(use_in_child));
  arrowpool_free(ending, buffer, 100, 64);
  assert_int_equal(stats_of(ending).num_frees, 1001);
  arrowpool_destroy(ending);
}

/* Uses pools until there is no memory for one more shard: that one is shared. */
static void use_without_memory(void) {
  arrowpool_pool *first = open_pool("first", 0), *last = first;
  char name[] = "pool 00";
  pairs(first, 64, 100);
  CHECK(setrlimit(RLIMIT_AS, &(struct rlimit){4096, 4096}) == 0);
  for (int i = 0; i < 90 && thread_own_data.shards != thread_own_no_shards; i++) {
    name[5] = (char)('0' + i / 10), name[6] = (char)('0' + i % 10);
    last = open_pool(name, 0);
    pairs(last, 64, 100);
    CHECK(stats_of(last).num_frees == 100);
  }
  CHECK(thread_own_data.shards == thread_own_no_shards);
  pairs(first, 64, 100);
  pairs(last, 64, 100);
  CHECK(stats_of(first).num_frees == 200 && stats_of(first).bytes_allocated == 0);
  CHECK(stats_of(last).num_frees == 200 && stats_of(last).num_allocations == 200);
}

TEST(without_memory_for_a_shard_the_long_way_counts) {
  SKIP_IF_EMULATED("setrlimit(RLIMIT_AS) does nothing");
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs memory of its own");
  assert_true(unit_in_child(use_without_memory));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_small_size_has_the_bin_of_its_class),
      cmocka_unit_test(jemalloc_sums_up_what_goes_the_quick_way),
      cmocka_unit_test(what_a_thread_does_not_use_leaves_its_cache),
      cmocka_unit_test(a_bin_holds_48_blocks_or_more_and_not_a_mebibyte),
      cmocka_unit_test(the_books_are_exact_after_each_event),
      cmocka_unit_test(pools_that_are_limited_destroyed_or_not_ours_go_the_long_way),
      cmocka_unit_test(what_was_freed_last_is_not_freed_again_the_quick_way),
      cmocka_unit_test(noted_sizes_are_found_again_by_either_way),
      cmocka_unit_test(a_thread_that_is_ending_allocates_and_frees),
      cmocka_unit_test(the_child_of_a_fork_counts_anew),
      cmocka_unit_test(without_memory_for_a_shard_the_long_way_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
