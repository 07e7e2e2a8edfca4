/* Limits that are set while pools are in use: exact from then on, with any number of threads, and with no
 * charge left behind. */
#include "unit_pools.h"

#include "pool/pool_table.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

TEST(a_limit_can_be_set_raised_lowered_and_taken_off) {
  arrowpool_pool *pool = open_pool("set later", (arrowpool_backend)(uintptr_t)*state, 0);
  uint8_t *a = NULL, *b = NULL, *none = NULL;
  assert_int_equal(arrowpool_allocate(pool, 600, 64, &a), ARROWPOOL_OK);
  assert_int_equal(arrowpool_set_limit(pool, 1000), ARROWPOOL_OK);
  assert_int_equal(stats_of(pool).limit_bytes, 1000);
  assert_int_equal(arrowpool_allocate(pool, 401, 64, &none), ARROWPOOL_OUT_OF_MEMORY);
  assert_int_equal(arrowpool_allocate(pool, 400, 64, &b), ARROWPOOL_OK);
  assert_int_equal(arrowpool_set_limit(pool, 1001), ARROWPOOL_OK);
  assert_int_equal(arrowpool_allocate(pool, 2, 64, &none), ARROWPOOL_OUT_OF_MEMORY);
  assert_int_equal(arrowpool_reallocate(pool, 400, 401, 64, &b), ARROWPOOL_OK);
  /* What lives beyond a lower one stays, shrinks and goes; nothing is added before there is room. */
  assert_int_equal(arrowpool_set_limit(pool, 500), ARROWPOOL_OK);
  assert_int_equal(arrowpool_allocate(pool, 1, 64, &none), ARROWPOOL_OUT_OF_MEMORY);
  assert_int_equal(arrowpool_reallocate(pool, 401, 300, 64, &b), ARROWPOOL_OK);
  arrowpool_free(pool, a, 600, 64);
  assert_int_equal(arrowpool_reallocate(pool, 300, 501, 64, &b), ARROWPOOL_OUT_OF_MEMORY);
  assert_int_equal(arrowpool_reallocate(pool, 300, 500, 64, &b), ARROWPOOL_OK);
  assert_int_equal(arrowpool_set_limit(pool, 0), ARROWPOOL_OK);
  assert_int_equal(stats_of(pool).limit_bytes, ARROWPOOL_UNKNOWN);
  assert_int_equal(arrowpool_allocate(pool, MIB, 64, &a), ARROWPOOL_OK);
  arrowpool_free(pool, a, MIB, 64);
  arrowpool_free(pool, b, 500, 64);
  assert_int_equal(pool_headroom_for(pool, 0, 1).refuses, LIMITS_NONE);
  assert_int_equal(limits_charged(pool_number(pool)), 0);
  assert_int_equal(stats_of(pool).bytes_allocated, 0);
  assert_int_equal(arrowpool_set_limit(pool, -1), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_set_limit(NULL, 1), ARROWPOOL_INVALID);
  arrowpool_destroy(pool);
  assert_int_equal(arrowpool_set_limit(pool, 1), ARROWPOOL_INVALID);
}

TEST(a_pool_made_again_without_its_limit_still_counts) {
  arrowpool_pool *pool = open_pool("again", ARROWPOOL_BACKEND_JEMALLOC, 100);
  uint8_t *buffers[100] = {NULL};
  arrowpool_destroy(pool);
  pool = open_pool("again", ARROWPOOL_BACKEND_JEMALLOC, 0);
  for (size_t i = 0; i < COUNT_OF(buffers); i++)
    assert_int_equal(arrowpool_allocate(pool, 100, 64, &buffers[i]), ARROWPOOL_OK);
  assert_int_equal(stats_of(pool).bytes_allocated, 100 * 100);
  for (size_t i = 0; i < COUNT_OF(buffers); i++)
    arrowpool_free(pool, buffers[i], 100, 64);
  assert_int_equal(stats_of(pool).bytes_allocated, 0);
  arrowpool_destroy(pool);
}

#define LOWEST (64 * KIB)

static const int64_t limits_in_turn[] = {3 * MIB, LOWEST, INT64_MAX, MIB, 0, 2 * MIB, LOWEST, MIB};
static arrowpool_pool *at_work_pool;
static _Atomic int64_t held;
static _Atomic bool ended;
static _Atomic size_t in_force; /* whose return was seen; 0, which is the first: none */

/* Each has small buffers, which come by the quick way while there is no limit, and large ones. */
static void *at_work(void *index) {
  uint64_t seed = 2000 + (uint64_t)(uintptr_t)index;
  struct {
    uint8_t *buffer;
    int64_t size;
  } own[16] = {{NULL, 0}};
  while (!atomic_load(&ended)) {
    unsigned i = unit_random(&seed) % COUNT_OF(own);
    int64_t most = i % 2 ? 4 * KIB : 512 * KIB, size = 1 + (int64_t)(unit_random(&seed) % (uint64_t)most);
    if (own[i].buffer) {
      atomic_fetch_sub(&held, own[i].size);
      arrowpool_free(at_work_pool, own[i].buffer, own[i].size, 64);
      own[i].buffer = NULL;
      continue;
    }
    size_t turn = atomic_load(&in_force);
    if (arrowpool_allocate(at_work_pool, size, 64, &own[i].buffer) != ARROWPOOL_OK)
      continue;
    own[i].size = size;
    int64_t sum = atomic_fetch_add(&held, size) + size;
    CHECK(!turn || sum <= limits_in_turn[turn] || atomic_load(&in_force) != turn);
  }
  for (size_t i = 0; i < COUNT_OF(own); i++)
    if (own[i].buffer) {
      atomic_fetch_sub(&held, own[i].size);
      arrowpool_free(at_work_pool, own[i].buffer, own[i].size, 64);
    }
  return NULL;
}

/* What a request was promised when it began holds while that limit does: so workers check themselves. Under
 * the first one, events may be on their way that began without any. */
static void set_limits_in_turn(void) {
  for (size_t i = 0; i < COUNT_OF(limits_in_turn); i++) {
    atomic_store(&in_force, 0);
    CHECK(arrowpool_set_limit(at_work_pool, limits_in_turn[i]) == ARROWPOOL_OK);
    atomic_store(&in_force, limits_in_turn[i] ? i : 0);
    for (int look = 0; look < 10; look++)
      sched_yield();
    while (limits_in_turn[i] == LOWEST && stats_of(at_work_pool).bytes_allocated > LOWEST)
      sched_yield();
  }
}

static void *works_or_sets_limits(void *index) {
  if (index)
    return at_work(index);
  set_limits_in_turn();
  atomic_store(&ended, true);
  return NULL;
}

TEST(limits_set_at_work_are_exact_and_leave_no_charge_behind) {
  for (int round = 0; round < (UNIT_SANITIZED ? 5 : 10); round++) {
    char name[32];
    snprintf(name, sizeof name, "at work %d %s", round, *state ? "b" : "a");
    at_work_pool = open_pool(name, (arrowpool_backend)(uintptr_t)*state, 0);
    atomic_store(&in_force, 0);
    atomic_store(&ended, false);
    atomic_store(&held, 0);
    unit_run_threads(4, works_or_sets_limits);
    assert_int_equal(stats_of(at_work_pool).bytes_allocated, 0);
    assert_int_equal(limits_charged(pool_number(at_work_pool)), 0);
    arrowpool_destroy(at_work_pool);
  }
}

static uint8_t *inherited;

static void in_the_child(void) {
  uint8_t *more = NULL;
  CHECK(arrowpool_allocate(at_work_pool, MIB + 1, 64, &more) == ARROWPOOL_OUT_OF_MEMORY);
  arrowpool_free(at_work_pool, inherited, MIB, 64);
  CHECK(arrowpool_allocate(at_work_pool, 2 * MIB, 64, &more) == ARROWPOOL_OK);
  CHECK(arrowpool_set_limit(at_work_pool, 3 * MIB) == ARROWPOOL_OK);
  CHECK(arrowpool_allocate(at_work_pool, MIB + 1, 64, &inherited) == ARROWPOOL_OUT_OF_MEMORY);
  CHECK(limits_charged(pool_number(at_work_pool)) == 2 * MIB);
}

TEST(a_child_has_the_limit_that_was_set_and_what_lived_before_it) {
  at_work_pool = open_pool("set before a fork", ARROWPOOL_BACKEND_JEMALLOC, 0);
  assert_int_equal(arrowpool_allocate(at_work_pool, MIB, 64, &inherited), ARROWPOOL_OK);
  assert_int_equal(arrowpool_set_limit(at_work_pool, 2 * MIB), ARROWPOOL_OK);
  assert_true(unit_in_child(in_the_child));
  arrowpool_free(at_work_pool, inherited, MIB, 64);
  assert_int_equal(limits_charged(pool_number(at_work_pool)), 0);
  arrowpool_destroy(at_work_pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_WITH(a_limit_can_be_set_raised_lowered_and_taken_off, "jemalloc", ARROWPOOL_BACKEND_JEMALLOC),
      TEST_WITH(a_limit_can_be_set_raised_lowered_and_taken_off, "system", ARROWPOOL_BACKEND_SYSTEM),
      cmocka_unit_test(a_child_has_the_limit_that_was_set_and_what_lived_before_it),
      cmocka_unit_test(a_pool_made_again_without_its_limit_still_counts),
      TEST_WITH(limits_set_at_work_are_exact_and_leave_no_charge_behind, "jemalloc",
                ARROWPOOL_BACKEND_JEMALLOC),
      TEST_WITH(limits_set_at_work_are_exact_and_leave_no_charge_behind, "system", ARROWPOOL_BACKEND_SYSTEM),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
