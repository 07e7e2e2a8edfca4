/* The guard (guard.h) with threads and forks, and its table (guard_table.h). All pools of this process are
 * guarded; what is told is counted. */
#include "unit.h"

#include "base/locks.h"
#include "pool/guard.h"
#include "pool/pool.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static _Atomic int told_count;
static arrowpool_pool *shared_pool;

static void count_line(const char *line) {
  (void)line;
  told_count++;
}

static void open_pool(void **state) {
  arrowpool_config config = {.struct_size = sizeof config, .backend = (arrowpool_backend)(uintptr_t)*state};
  assert_int_equal(arrowpool_create("shared", &config, &shared_pool), ARROWPOOL_OK);
}

/* Nothing is live in it, so it was counted right. */
static void close_pool(void) {
  arrowpool_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(arrowpool_get_stats(shared_pool, &stats), ARROWPOOL_OK);
  assert_int_equal(stats.bytes_allocated, 0);
  assert_int_equal(told_count, 0);
  arrowpool_destroy(shared_pool);
}

static uint8_t *allocate(int64_t size) {
  uint8_t *buffer = NULL;
  assert_int_equal(arrowpool_allocate(shared_pool, size, 64, &buffer), ARROWPOOL_OK);
  return buffer;
}

static void *churn(void *index) {
  uint64_t random = (uint64_t)(intptr_t)index;
  uint8_t *buffers[500] = {NULL};
  int64_t lengths[500] = {0};
  for (int n = 0; n < 20000; n++) {
    size_t i = unit_random(&random) % COUNT_OF(buffers);
    int64_t size = 1 + (int64_t)(unit_random(&random) % 5000);
    if (!buffers[i])
      CHECK(arrowpool_allocate(shared_pool, size, 64, &buffers[i]) == ARROWPOOL_OK);
    else if (size % 3)
      CHECK(arrowpool_reallocate(shared_pool, lengths[i], size, 64, &buffers[i]) == ARROWPOOL_OK);
    else {
      arrowpool_free(shared_pool, buffers[i], lengths[i], 64);
      buffers[i] = NULL;
      continue;
    }
    memset(buffers[i], n, (size_t)size);
    lengths[i] = size;
  }
  for (size_t i = 0; i < COUNT_OF(buffers); i++)
    if (buffers[i])
      arrowpool_free(shared_pool, buffers[i], lengths[i], 64);
  return NULL;
}

TEST(many_buffers_of_many_threads_are_nothing_to_tell) {
  open_pool(state);
  unit_run_threads(4, churn);
  close_pool();
}

static uint8_t *contended;
static pthread_barrier_t together;

static void *free_it(void *index) {
  (void)index;
  pthread_barrier_wait(&together);
  arrowpool_free(shared_pool, contended, 100, 64);
  return NULL;
}

TEST(of_two_threads_that_free_a_buffer_one_is_told) {
  open_pool(state);
  pthread_barrier_init(&together, NULL, 2);
  for (int n = 0; n < 100; n++) {
    contended = allocate(100);
    unit_run_threads(2, free_it);
    assert_int_equal(told_count, 1);
    told_count = 0;
  }
  close_pool();
}

static void free_what_the_parent_allocated(void) {
  arrowpool_free(shared_pool, contended, 100, 64);
  CHECK(told_count == 0);
  arrowpool_free(shared_pool, contended, 100, 64);
  CHECK(told_count == 1);
  for (int64_t size = 1; size < 1000; size += 100) {
    uint8_t *own = NULL;
    CHECK(arrowpool_allocate(shared_pool, size, 64, &own) == ARROWPOOL_OK);
    CHECK(arrowpool_reallocate(shared_pool, size, 2 * size, 64, &own) == ARROWPOOL_OK);
    arrowpool_free(shared_pool, own, 2 * size, 64);
  }
  CHECK(told_count == 1);
}

TEST(a_forked_child_knows_the_buffers_of_its_parent) {
  open_pool(state);
  contended = allocate(100);
  assert_true(unit_in_child(free_what_the_parent_allocated));
  arrowpool_free(shared_pool, contended, 100, 64);
  close_pool();
}

/* ---- the table ---- */

static bool count_one(const guard_buffer *b, void *context) {
  (void)b;
  ++*(int *)context;
  return false;
}

static guard_buffer made_up(uintptr_t address) {
  return (guard_buffer){.address = (void *)address, .size = address, .alignment = 64, .pool = "made up"};
}

TEST(the_table_finds_what_is_in_it_and_nothing_else) {
  static bool is_in[100000];
  uint64_t random = 1;
  int in = 0, counted = 0;
  for (int n = 0; n < 300000; n++) {
    size_t i = unit_random(&random) % COUNT_OF(is_in);
    guard_buffer b = made_up(64 * (i + 1));
    guard_record found = guard_table_find(b.address);
    assert_int_equal(found.live.address == b.address, is_in[i]);
    if (is_in[i])
      assert_int_equal(guard_table_free(b.address, b.pool).live.size, b.size);
    else
      assert_true(guard_table_enter(&b));
    assert_true(is_in[i] || !guard_table_find(b.address).freed.address);
    is_in[i] = !is_in[i];
    in += is_in[i] ? 1 : -1;
  }
  guard_table_any(count_one, &counted);
  assert_int_equal(counted, in);
  for (size_t i = 0; i < COUNT_OF(is_in); i++)
    if (is_in[i])
      guard_table_free((void *)(64 * (i + 1)), made_up(64).pool);
}

/* As free in a signal handler that interrupted the guard, or in a child whose parent's threads were in it. */
TEST(whether_a_buffer_is_live_is_known_while_every_lock_is_held) {
  open_pool(state);
  int stranger;
  uint8_t *live = allocate(100), *freed = allocate(100);
  arrowpool_free(shared_pool, freed, 100, 64);
  alarm(60);
  locks_acquire_all();
  bool known = guard_is_live(live), unknown = guard_is_live(&stranger) || guard_is_live(live + 16) ||
                                              guard_is_live(live + 1) || guard_is_live(NULL) ||
                                              (freed != live && guard_is_live(freed));
  locks_release_all();
  alarm(0);
  assert_true(known && !unknown);
  arrowpool_free(shared_pool, live, 100, 64);
  assert_false(guard_is_live(live));
  close_pool();
}

#define TEST_BOTH(name)                                                                                      \
  TEST_WITH(name, "jemalloc", ARROWPOOL_BACKEND_JEMALLOC), TEST_WITH(name, "system", ARROWPOOL_BACKEND_SYSTEM)

int main(void) {
  if (!pool_set_debug(ARROWPOOL_DEBUG_WARN, count_line))
    return 1;
  const struct CMUnitTest tests[] = {
      TEST_BOTH(many_buffers_of_many_threads_are_nothing_to_tell),
      TEST_BOTH(of_two_threads_that_free_a_buffer_one_is_told),
      TEST_BOTH(a_forked_child_knows_the_buffers_of_its_parent),
      TEST_BOTH(whether_a_buffer_is_live_is_known_while_every_lock_is_held),
      cmocka_unit_test(the_table_finds_what_is_in_it_and_nothing_else),
  };
  return cmocka_run_group_tests_name("guard threads", tests, NULL, NULL);
}
