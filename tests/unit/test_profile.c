/* Profiles (profile/profile.h): that what is live is estimated without bias, by buffers of all sizes that are
 * allocated, grown, shrunk, moved and freed by all ways through a pool; that small blocks keep their quick
 * way; and what a fork, a full file and many stacks do. */
#include "unit_profile.h"

#include "base/locks.h"
#include "memory/backend.h"
#include "profile/exponential.h"
#include "profile/stacks.h"

#include <unistd.h>

static arrowpool_pool *open_pool(const backend *by, pool_size_source source) {
  arrowpool_pool *pool;
  char name[32];
  snprintf(name, sizeof name, "%s-%d", by->name, source);
  CHECK(pool_create(name, (pool_config){.backend = by, .size_source = source}, &pool) == ARROWPOOL_OK);
  return pool;
}

static void *resize(arrowpool_pool *pool, void *buffer, int64_t size, int64_t new_size) {
  bool told = pool_get_config(pool)->size_source == POOL_SIZE_FROM_CALLER;
  CHECK(pool_reallocate(pool, told ? size : POOL_SIZE_UNKNOWN, new_size, 64, &buffer) == ARROWPOOL_OK);
  return buffer;
}

/* A size from 64 bytes up, every power of two as likely as the next. */
static int64_t random_size(uint64_t *random, unsigned powers) {
  int64_t power = INT64_C(64) << unit_random(random) % powers;
  return power + (int64_t)(unit_random(random) % (uint64_t)power);
}

#define COUNT 3000

/* Allocates, compares, frees half, compares, frees all. */
static void allocate_and_free(arrowpool_pool *pool, unsigned powers) {
  static void *buffers[COUNT];
  static int64_t sizes[COUNT];
  uint64_t random = 1;
  sums all = {0}, half = {0};
  for (int i = 0; i < COUNT; i++) {
    sizes[i] = random_size(&random, powers);
    buffers[i] = take(pool, sizes[i]);
    unit_write(buffers[i], sizes[i], (uint64_t)i);
    bool small = pool_get_config(pool)->backend == &backend_jemalloc && sizes[i] < 64 * KIB;
    int64_t exposed = small ? (int64_t)backend_jemalloc.usable_size(buffers[i]) : sizes[i];
    add_truth(&all, sizes[i], exposed);
    if (i % 2)
      add_truth(&half, sizes[i], exposed);
  }
  check_sums(all);
  for (int i = 0; i < COUNT; i++)
    CHECK(unit_matches(buffers[i], sizes[i], sizes[i], (uint64_t)i));
  for (int i = 0; i < COUNT; i += 2)
    give(pool, buffers[i], sizes[i]);
  check_sums(half);
  for (int i = 1; i < COUNT; i += 2)
    give(pool, buffers[i], sizes[i]);
  check_sums((sums){0});
  CHECK(fabs(records_live()) < 1);
}

IN_CHILD(what_is_live_is_estimated_in_our_jemalloc) {
  begin(MEAN);
  allocate_and_free(open_pool(&backend_jemalloc, POOL_SIZE_FROM_CALLER), 15);
}

IN_CHILD(what_is_live_is_estimated_in_the_system_allocator) {
  begin(MEAN);
  allocate_and_free(open_pool(&backend_system, POOL_SIZE_FROM_CALLER), 15);
}

IN_CHILD(what_is_live_is_estimated_where_callers_tell_no_sizes) {
  begin(MEAN);
  allocate_and_free(open_pool(&backend_jemalloc, POOL_SIZE_FROM_BACKEND), 15);
}

IN_CHILD(what_is_live_is_estimated_of_small_blocks_alone) {
  begin(MEAN);
  allocate_and_free(open_pool(&backend_jemalloc, POOL_SIZE_FROM_CALLER), 5);
}

/* Buffers that grow by steps, of which only what is added has its chance; a record that is made late knows
 * nothing of what came before, and then takes all of it for exposed, as the estimate needs it. */
static void grow(arrowpool_pool *pool, int64_t from, int64_t to, int64_t step) {
  enum { BUFFERS = 300 };
  sums s = {0};
  void *buffers[BUFFERS];
  for (int i = 0; i < BUFFERS; i++) {
    int64_t size = from;
    buffers[i] = take(pool, size);
    unit_write(buffers[i], size, (uint64_t)i);
    while (size < to) {
      int64_t next = step ? size + step : 2 * size;
      buffers[i] = resize(pool, buffers[i], size, next);
      CHECK(unit_matches(buffers[i], size, size, (uint64_t)i));
      size = next;
      unit_write(buffers[i], size, (uint64_t)i);
    }
    buffers[i] = resize(pool, buffers[i], size, size / 2 + 1);
    CHECK(unit_matches(buffers[i], size, size / 2 + 1, (uint64_t)i));
    /* Its spread is at most that of a buffer made at once of the bytes that it had before the last step. */
    add_truth(&s, size / 2 + 1, size / 4 + 1);
    buffers[i] = resize(pool, buffers[i], size / 2 + 1, size / 2 + 1);
  }
  check_sums(s);
  for (int i = 0; i < BUFFERS; i++)
    pool_free(pool, buffers[i],
              pool_get_config(pool)->size_source == POOL_SIZE_FROM_CALLER ? to / 2 + 1 : POOL_SIZE_UNKNOWN,
              64);
  check_sums((sums){0});
}

IN_CHILD(growth_counts_the_bytes_that_are_added) {
  begin(MEAN);
  for (int source = POOL_SIZE_FROM_CALLER; source <= POOL_SIZE_FROM_BACKEND; source++) {
    arrowpool_pool *pool = open_pool(&backend_jemalloc, (pool_size_source)source);
    grow(pool, 64, 128, 0);
    grow(pool, 1024, 32 * KIB, 0);
    grow(pool, 64, 4 * MIB, 0);
    grow(pool, 64 * KIB, MIB, 64 * KIB);
    grow(open_pool(&backend_system, (pool_size_source)source), 64, 256 * KIB, 0);
  }
}

IN_CHILD(a_sampled_small_block_stands_apart_and_the_others_stay_quick) {
  enum { BLOCKS = 20000 };
  static void *blocks[BLOCKS];
  begin(MEAN);
  arrowpool_pool *pool = open_pool(&backend_jemalloc, POOL_SIZE_FROM_CALLER);
  int quick = 0, apart = 0;
  for (int i = 0; i < BLOCKS; i++) {
    void *block;
    bool took = pool_quick_allocate(pool, 64, &block);
    quick += took;
    blocks[i] = took ? block : take(pool, 64);
    bool stands = !page_runs_hold_cached(blocks[i]);
    CHECK(!took || !stands);
    CHECK(stands == (records_may_have(blocks[i]) && range_window_holds(&page_runs_apart, blocks[i])));
    apart += stands;
  }
  sums s = {0};
  add_records(&s);
  CHECK(apart > 0 && apart == s.records && quick > BLOCKS * 9 / 10);
  for (int i = 0; i < BLOCKS; i++)
    give(pool, blocks[i], 64);
  check_sums((sums){0});
}

static void *begin_before_the_profile(void *pool) {
  give(pool, take(pool, 64), 64);
  begin(MEAN);
  for (int i = 0; i < 1000; i++) /* jemalloc looks at its thresholds every 4 MiB at the latest */
    give(pool, take(pool, 8 * KIB), 8 * KIB);
  allocate_and_free(pool, 5);
  return NULL;
}

IN_CHILD(a_thread_that_was_there_before_is_sampled_too) {
  begin_before_the_profile(open_pool(&backend_jemalloc, POOL_SIZE_FROM_CALLER));
}

static void *churn(void *index) {
  enum { LIVE = 64 };
  arrowpool_pool *pool = pool_built_in((uintptr_t)index % 2 ? POOL_JEMALLOC : POOL_SYSTEM);
  uint64_t random = (uintptr_t)index + 1;
  void *buffers[LIVE] = {0};
  int64_t sizes[LIVE] = {0};
  for (int i = 0; i < (UNIT_SANITIZED ? 3000 : 20000); i++) {
    int k = (int)(unit_random(&random) % LIVE);
    int64_t size = random_size(&random, 13);
    if (buffers[k] && i % 3) {
      CHECK(unit_matches(buffers[k], sizes[k], sizes[k], (uint64_t)k));
      buffers[k] = resize(pool, buffers[k], sizes[k], size);
    } else {
      if (buffers[k])
        give(pool, buffers[k], sizes[k]);
      buffers[k] = take(pool, size);
    }
    sizes[k] = size;
    unit_write(buffers[k], size, (uint64_t)k);
  }
  for (int k = 0; k < LIVE; k++)
    if (buffers[k])
      give(pool, buffers[k], sizes[k]);
  return NULL;
}

IN_CHILD(nothing_is_left_when_threads_have_freed_all) {
  begin(MEAN);
  backend_jemalloc_start(); /* as it would by itself, but before there are threads */
  unit_run_threads(6, churn);
  check_sums((sums){0});
  CHECK(store_header()->samples > 1000 && store_header()->peak_bytes > 0);
}

static void child_of_a_fork(void) {
  arrowpool_pool *pool = pool_built_in(POOL_JEMALLOC);
  CHECK(!store_header());
  void *buffer = take(pool, 100 * MEAN);
  CHECK(store_header() && store_header()->parent == getppid() && store_header()->pid == getpid());
  sums s = {0};
  add_records(&s);
  CHECK(s.records == 1);
  give(pool, buffer, 100 * MEAN);
}

IN_CHILD(the_child_of_a_fork_has_a_profile_of_its_own) {
  begin(MEAN);
  arrowpool_pool *pool = pool_built_in(POOL_JEMALLOC);
  void *buffer = take(pool, 100 * MEAN);
  sums before = {0}, after = {0};
  add_records(&before);
  CHECK(before.records == 1 && unit_in_child(child_of_a_fork));
  add_records(&after);
  CHECK(after.records == 1 && after.estimate == before.estimate);
  give(pool, buffer, 100 * MEAN);
  check_sums((sums){0});
}

/* ---- full ---- */

/* Of a stack that finds no room the number is 0, which is "(other)"; those that were there are found again.
 */
IN_CHILD(what_finds_no_room_for_its_stack_is_other) {
  enum { STACKS = 100000 };
  bool is_new = false;
  begin(MEAN);
  void *buffer = take(pool_built_in(POOL_SYSTEM), 100 * MEAN);
  uint32_t room = store_header()->sections[PROFILE_STACKS].capacity, known = 0;
  stacks_walk walk = {.native_count = 3};
  for (int round = 0; round < 2; round++)
    for (uint64_t i = 0; i < STACKS; i++) {
      walk.words[1] = i;
      locks_acquire(LOCK_PROFILE);
      uint32_t number = stacks_number(&walk, 0, &is_new);
      locks_release(LOCK_PROFILE);
      CHECK(number < room && (number != 0) == (i < (round ? known : room - 2)));
      known += !round && number;
    }
  CHECK(known == room - 2); /* "(other)" and the buffer's own have the rest */
  give(pool_built_in(POOL_SYSTEM), buffer, 100 * MEAN);
}

IN_CHILD(too_many_records_make_the_samples_rarer) {
  enum { BUFFERS = 400000 };
  begin(64);
  arrowpool_pool *pool = pool_built_in(POOL_JEMALLOC);
  sums s = {0};
  for (int i = 0; i < BUFFERS; i++)
    take(pool, 1024);
  for (int i = 0; i < BUFFERS; i++)
    add_truth(&s, 1024, 1024);
  add_records(&s);
  const profile_header *h = store_header();
  CHECK(stream_mean > 64 && s.records < h->sections[PROFILE_RECORDS].capacity);
  CHECK(fabs(s.estimate - s.bytes) < s.bytes / 20);
}

/* Against the mathematics library's, over all that can come. */
TEST(the_exponential_distribution_is_right) {
  uint64_t random = 1;
  for (int i = 0; i < 100000; i++) {
    double uniform = (double)((unit_random(&random) >> 11) + 1) * 0x1p-53;
    double distance = exponential_draw(uniform) * ldexp(1, (int)(unit_random(&random) % 40) - 36);
    assert_true(fabs(exponential_draw(uniform) + log(uniform)) <= 1e-10 * -log(uniform) + 1e-15);
    assert_true(fabs(exponential_below(distance) + expm1(-distance)) <= -1e-10 * expm1(-distance));
  }
  assert_true(exponential_draw(1) == 0 && exponential_below(0) == 0 && exponential_below(1e300) == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_exponential_distribution_is_right),
      cmocka_unit_test(what_is_live_is_estimated_in_our_jemalloc),
      cmocka_unit_test(what_is_live_is_estimated_in_the_system_allocator),
      cmocka_unit_test(what_is_live_is_estimated_where_callers_tell_no_sizes),
      cmocka_unit_test(what_is_live_is_estimated_of_small_blocks_alone),
      cmocka_unit_test(growth_counts_the_bytes_that_are_added),
      cmocka_unit_test(a_sampled_small_block_stands_apart_and_the_others_stay_quick),
      cmocka_unit_test(a_thread_that_was_there_before_is_sampled_too),
      cmocka_unit_test(nothing_is_left_when_threads_have_freed_all),
      cmocka_unit_test(the_child_of_a_fork_has_a_profile_of_its_own),
      cmocka_unit_test(what_finds_no_room_for_its_stack_is_other),
      cmocka_unit_test(too_many_records_make_the_samples_rarer),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
