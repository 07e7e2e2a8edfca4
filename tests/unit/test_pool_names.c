/* Pools as such: names, references, the table of 256, the default pool. */
#include "unit.h"

#include "pool/pool.h"

#include <stdio.h>
#include <string.h>

static arrowpool_pool *create(const char *name) {
  arrowpool_pool *pool = NULL;
  assert_int_equal(arrowpool_create(name, NULL, &pool), ARROWPOOL_OK);
  assert_non_null(pool);
  return pool;
}

static arrowpool_stats stats_of(const arrowpool_pool *pool) {
  arrowpool_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(arrowpool_get_stats(pool, &stats), ARROWPOOL_OK);
  return stats;
}

static uint8_t *allocate(arrowpool_pool *pool, int64_t size) {
  uint8_t *buffer = NULL;
  assert_int_equal(arrowpool_allocate(pool, size, 64, &buffer), ARROWPOOL_OK);
  return buffer;
}

TEST(names_are_one_to_63_bytes_without_control_characters) {
  char longest[ARROWPOOL_NAME_MAX + 1], too_long[ARROWPOOL_NAME_MAX + 2];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = 0;
  memset(too_long, 'y', sizeof too_long);
  too_long[sizeof too_long - 1] = 0;
  const char *bad[] = {NULL, "", too_long, "line\nfeed", "tab\t", "\x1f", "delete\x7f"};
  const char *good[] = {longest, "x", "with space", "caf\xc3\xa9", "\"quoted\\\""};
  arrowpool_pool *untouched = arrowpool_system(), *pool = untouched;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    assert_int_equal(arrowpool_create(bad[i], NULL, &pool), ARROWPOOL_INVALID);
    assert_ptr_equal(pool, untouched);
  }
  assert_int_equal(arrowpool_create("nowhere", NULL, NULL), ARROWPOOL_INVALID);
  for (size_t i = 0; i < COUNT_OF(good); i++) {
    pool = create(good[i]);
    assert_int_equal(strncmp(arrowpool_name(pool), "c:", 2), 0);
    assert_string_equal(arrowpool_name(pool) + 2, good[i]);
    arrowpool_destroy(pool);
  }
}

TEST(a_config_has_a_size_and_a_known_backend) {
  const arrowpool_config bad[] = {{0, ARROWPOOL_BACKEND_SYSTEM, 0},
                                  {sizeof(arrowpool_config) - 1, ARROWPOOL_BACKEND_SYSTEM, 0},
                                  {sizeof(arrowpool_config), ARROWPOOL_BACKEND_SYSTEM, -1},
                                  {sizeof(arrowpool_config), (arrowpool_backend)3, 0},
                                  {sizeof(arrowpool_config), (arrowpool_backend)-1, 0}};
  arrowpool_pool *pool = NULL;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    assert_int_equal(arrowpool_create("config", &bad[i], &pool), ARROWPOOL_INVALID);
    assert_null(pool);
  }
  struct {
    arrowpool_config config;
    char fields_of_a_later_version[32];
  } longer = {{sizeof longer, ARROWPOOL_BACKEND_SYSTEM, 0}, ""};
  assert_int_equal(arrowpool_create("config", &longer.config, &pool), ARROWPOOL_OK);
  assert_ptr_equal(pool_get_config(pool)->backend, &backend_system);
  arrowpool_destroy(pool);

  /* As the first version had it; what lies behind is nobody's business. */
  arrowpool_config shorter = {offsetof(arrowpool_config, limit_bytes), ARROWPOOL_BACKEND_SYSTEM, -1};
  assert_int_equal(arrowpool_create("config", &shorter, &pool), ARROWPOOL_OK);
  assert_int_equal(pool_get_config(pool)->limit_bytes, 0);
  arrowpool_destroy(pool);
}

TEST(two_living_pools_do_not_share_a_name) {
  arrowpool_pool *pool = create("twice"), *other = NULL;
  assert_int_equal(arrowpool_create("twice", NULL, &other), ARROWPOOL_EXISTS);
  assert_null(other);
  assert_int_equal(arrowpool_create("jemalloc", NULL, &other), ARROWPOOL_EXISTS);
  assert_int_equal(arrowpool_create("system", NULL, &other), ARROWPOOL_EXISTS);
  assert_null(other);
  arrowpool_destroy(pool);
}

TEST(a_destroyed_pool_lives_until_its_last_buffer_is_freed) {
  arrowpool_pool *pool = create("lingering"), *again = NULL;
  uint8_t *first = allocate(pool, 1000), *second = allocate(pool, 100000), *none = NULL;
  unit_write(first, 1000, 1);
  unit_write(second, 100000, 2);
  arrowpool_destroy(pool);
  assert_int_equal(arrowpool_create("lingering", NULL, &again), ARROWPOOL_EXISTS);
  assert_int_equal(arrowpool_allocate(pool, 10, 64, &none), ARROWPOOL_INVALID);
  assert_null(none);
  assert_int_equal(arrowpool_reallocate(pool, 1000, 300000, 64, &first), ARROWPOOL_OK);
  assert_int_equal(arrowpool_reallocate(pool, 100000, 500, 64, &second), ARROWPOOL_OK);
  assert_true(unit_matches(first, 1000, 1000, 1));
  assert_true(unit_matches(second, 100000, 500, 2));
  arrowpool_free(pool, first, 300000, 64);
  assert_int_equal(arrowpool_create("lingering", NULL, &again), ARROWPOOL_EXISTS);
  arrowpool_free(pool, second, 500, 64);
  assert_int_equal(arrowpool_create("lingering", NULL, &again), ARROWPOOL_OK);
  arrowpool_destroy(again);
}

TEST(a_zero_size_buffer_keeps_no_pool_alive) {
  arrowpool_pool *pool = create("empty");
  uint8_t *buffer = allocate(pool, 0);
  arrowpool_destroy(pool);
  pool = create("empty");
  arrowpool_free(pool, buffer, 0, 64);
  arrowpool_destroy(pool);
}

TEST(a_reopened_pool_goes_on_with_its_totals) {
  arrowpool_pool *pool = create("reopened");
  arrowpool_free(pool, allocate(pool, 1000), 1000, 64);
  arrowpool_destroy(pool);
  pool = create("reopened");
  assert_int_equal(stats_of(pool).num_allocations, 1);
  arrowpool_free(pool, allocate(pool, 500), 500, 64);
  arrowpool_stats stats = stats_of(pool);
  assert_int_equal(stats.num_allocations, 2);
  assert_int_equal(stats.num_frees, 2);
  assert_int_equal(stats.total_bytes_allocated, 1500);
  assert_int_equal(stats.max_memory, 1000);
  assert_int_equal(stats.bytes_allocated, 0);
  arrowpool_destroy(pool);
}

TEST(a_full_table_takes_the_place_of_a_pool_that_is_over) {
  static arrowpool_pool *pools[POOL_COUNT];
  char name[32];
  int count = 0;
  arrowpool_status status;
  for (;; count++) {
    snprintf(name, sizeof name, "one of many %d", count);
    if ((status = arrowpool_create(name, NULL, &pools[count])) != ARROWPOOL_OK)
      break;
    arrowpool_free(pools[count], allocate(pools[count], 100), 100, 64);
  }
  assert_int_equal(status, ARROWPOOL_OUT_OF_MEMORY);
  assert_int_equal(count, POOL_COUNT - 2); /* the built-in ones count */

  /* destroyed but not over: its place is not free */
  uint8_t *buffer = allocate(pools[7], 4000);
  arrowpool_destroy(pools[7]);
  arrowpool_pool *late = NULL;
  assert_int_equal(arrowpool_create("late", NULL, &late), ARROWPOOL_OUT_OF_MEMORY);
  assert_null(late);
  arrowpool_free(pools[7], buffer, 4000, 64);

  assert_int_equal(arrowpool_create("late", NULL, &late), ARROWPOOL_OK);
  assert_ptr_equal(late, pools[7]);
  assert_string_equal(arrowpool_name(late), "c:late");
  arrowpool_stats stats = stats_of(late),
                  fresh = {.struct_size = sizeof fresh, .limit_bytes = ARROWPOOL_UNKNOWN};
  assert_memory_equal(&stats, &fresh, sizeof fresh);
  assert_int_equal(arrowpool_create("one of many 7", NULL, &pools[7]), ARROWPOOL_OUT_OF_MEMORY);
  arrowpool_free(late, allocate(late, 300), 300, 64);
  assert_int_equal(stats_of(late).max_memory, 300);
  for (int i = 0; i < count; i++)
    arrowpool_destroy(pools[i]);
}

TEST(the_default_pool_can_be_set_and_reset) {
  assert_ptr_equal(arrowpool_default(), arrowpool_jemalloc());
  arrowpool_pool *mine = create("mine"), *other;
  assert_ptr_equal(pool_get_config(mine)->backend, &backend_jemalloc);
  arrowpool_set_default(mine);
  assert_ptr_equal(arrowpool_default(), mine);
  arrowpool_set_default(arrowpool_system());
  assert_ptr_equal(arrowpool_default(), arrowpool_system());
  other = create("follows the default");
  assert_ptr_equal(pool_get_config(other)->backend, &backend_system);
  arrowpool_set_default(NULL);
  assert_ptr_equal(arrowpool_default(), arrowpool_jemalloc());
  arrowpool_destroy(mine);
  arrowpool_destroy(other);
}

TEST(the_built_in_pools_cannot_be_destroyed) {
  assert_string_equal(arrowpool_name(arrowpool_jemalloc()), "c:jemalloc");
  assert_string_equal(arrowpool_name(arrowpool_system()), "c:system");
  arrowpool_destroy(arrowpool_jemalloc());
  arrowpool_destroy(arrowpool_system());
  arrowpool_free(arrowpool_jemalloc(), allocate(arrowpool_jemalloc(), 100), 100, 64);
  arrowpool_free(arrowpool_system(), allocate(arrowpool_system(), 100), 100, 64);
}

/* Threads that all want the same few names: each is granted to one at a time. */
static _Atomic int holders[4];

static void *fight_for_names(void *index) {
  uint64_t random = (uintptr_t)index;
  for (int i = 0; i < 3000; i++) {
    char name[] = "fought for 0";
    unsigned which = (unsigned)(unit_random(&random) % COUNT_OF(holders));
    arrowpool_pool *pool = NULL;
    name[sizeof name - 2] = (char)('0' + which);
    arrowpool_status status = arrowpool_create(name, NULL, &pool);
    CHECK(status == ARROWPOOL_OK || status == ARROWPOOL_EXISTS);
    if (status != ARROWPOOL_OK)
      continue;
    CHECK(holders[which]++ == 0);
    uint8_t *buffer;
    CHECK(arrowpool_allocate(pool, 100, 64, &buffer) == ARROWPOOL_OK);
    arrowpool_free(pool, buffer, 100, 64);
    CHECK(holders[which]-- == 1);
    arrowpool_destroy(pool);
  }
  return NULL;
}

TEST(a_name_is_granted_to_one_thread_at_a_time) { unit_run_threads(4, fight_for_names); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_one_to_63_bytes_without_control_characters),
      cmocka_unit_test(a_config_has_a_size_and_a_known_backend),
      cmocka_unit_test(two_living_pools_do_not_share_a_name),
      cmocka_unit_test(a_destroyed_pool_lives_until_its_last_buffer_is_freed),
      cmocka_unit_test(a_zero_size_buffer_keeps_no_pool_alive),
      cmocka_unit_test(a_reopened_pool_goes_on_with_its_totals),
      cmocka_unit_test(a_full_table_takes_the_place_of_a_pool_that_is_over),
      cmocka_unit_test(the_default_pool_can_be_set_and_reset),
      cmocka_unit_test(the_built_in_pools_cannot_be_destroyed),
      cmocka_unit_test(a_name_is_granted_to_one_thread_at_a_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
