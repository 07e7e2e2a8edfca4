/* The counters alone (counters.h): sums, the peak, threads that come and go, forks, readers that poll.
 * Each test counts for pool numbers of its own, or resets them. */
#include "unit.h"

#include "counters/counters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static arrowpool_stats read_pool(unsigned pool) {
  arrowpool_stats sum;
  counters_read(pool, &sum);
  return sum;
}

/* ---- sums ---- */

#define THREADS 8
#define EVENTS  20000

enum { SUMS = 10, HAND_OVER, PEAK, BOUND, FORK, RESET, POLL, HISTORY };

static void *count_everything(void *index) {
  (void)index;
  for (int i = 1; i <= EVENTS; i++) {
    int64_t size = i % 5000 + 1;
    counters_allocated(SUMS, size);
    counters_reallocated(SUMS, size, size * 3, (counters_kind)(i % 3));
    counters_reallocated(SUMS, size * 3, size, COUNTERS_IN_PLACE);
    if (i % 4)
      counters_freed(SUMS, size);
    if (i % 10 == 0)
      counters_failed(SUMS);
    if (i % 100 == 0)
      counters_fell_back(SUMS);
  }
  return NULL;
}

TEST(sums_are_exact_when_the_threads_are_at_rest) {
  int64_t total = 0, live = 0, copied = 0, in_place = 0, histogram[ARROWPOOL_HISTOGRAM_BUCKETS] = {0};
  for (int i = 1; i <= EVENTS; i++) {
    int64_t size = i % 5000 + 1;
    total += size * 3;
    live += i % 4 ? 0 : size;
    copied += i % 3 == COUNTERS_COPIED ? size : 0;
    in_place += size + (i % 3 == COUNTERS_IN_PLACE ? size : 0);
    histogram[63 - __builtin_clzll((unsigned long long)size)]++;
    histogram[63 - __builtin_clzll((unsigned long long)size * 3)]++;
  }
  unit_run_threads(THREADS, count_everything);
  arrowpool_stats v = read_pool(SUMS);
  assert_int_equal(v.bytes_allocated, live * THREADS);
  assert_int_equal(v.total_bytes_allocated, total * THREADS);
  assert_int_equal(v.num_allocations, EVENTS * 2 * THREADS);
  assert_int_equal(v.num_reallocations, EVENTS * 2 * THREADS);
  assert_int_equal(v.reallocs_in_place + v.reallocs_remapped + v.reallocs_copied, v.num_reallocations);
  assert_int_equal(v.num_frees, EVENTS * 3 / 4 * THREADS);
  assert_int_equal(v.num_failed, EVENTS / 10 * THREADS);
  assert_int_equal(v.num_fallbacks, EVENTS / 100 * THREADS);
  assert_int_equal(v.bytes_copied, copied * THREADS);
  assert_int_equal(v.bytes_grown_in_place, in_place * THREADS);
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    assert_int_equal(v.size_histogram[i], histogram[i] * THREADS);
}

TEST(the_last_bucket_takes_all_that_is_larger) {
  counters_reset(RESET);
  counters_allocated(RESET, INT64_C(1) << 47);
  counters_freed(RESET, INT64_C(1) << 47);
  counters_allocated(RESET, INT64_C(1) << 61);
  counters_freed(RESET, INT64_C(1) << 61);
  counters_allocated(RESET, 1);
  counters_freed(RESET, 1);
  arrowpool_stats v = read_pool(RESET);
  assert_int_equal(v.size_histogram[ARROWPOOL_HISTOGRAM_BUCKETS - 1], 2);
  assert_int_equal(v.size_histogram[0], 1);
}

/* ---- threads that end ---- */

static void *allocate_and_leave(void *size) {
  counters_allocated(HAND_OVER, (intptr_t)size);
  return NULL;
}

static void *free_and_leave(void *size) {
  counters_freed(HAND_OVER, (intptr_t)size);
  return NULL;
}

static void run_one_thread(void *(*body)(void *), int64_t argument) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, body, (void *)(intptr_t)argument), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

TEST(a_thread_that_ends_leaves_its_sums) {
  const int64_t size = 100 * KIB; /* below the quantum: nothing is published on the way */
  for (int i = 0; i < 50; i++)
    run_one_thread(allocate_and_leave, size);
  assert_int_equal(read_pool(HAND_OVER).bytes_allocated, 50 * size);
  for (int i = 0; i < 50; i++)
    run_one_thread(free_and_leave, size);
  arrowpool_stats sum = read_pool(HAND_OVER);
  assert_int_equal(sum.bytes_allocated, 0);
  assert_int_equal(sum.num_frees, 50);
  assert_int_equal(sum.max_memory, 50 * size); /* one thread at a time: exact */
}

static long mapped_bytes(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld", &pages), 1);
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

TEST(a_new_thread_takes_over_the_block_of_one_that_ended) {
  if (UNIT_SANITIZED)
    SKIP("the sanitizers map memory of their own for each thread");
  SKIP_IF_EMULATED("what is mapped is the emulator's");
  run_one_thread(allocate_and_leave, 1);
  long before = mapped_bytes();
  for (int i = 0; i < 2000; i++) /* blocks of their own would be 2 KiB each */
    run_one_thread(allocate_and_leave, 1);
  assert_true(mapped_bytes() - before < MIB);
}

static pthread_key_t late_key;

static void count_late(void *again) {
  counters_allocated(HAND_OVER, 10);
  counters_freed(HAND_OVER, 10);
  if ((intptr_t)again > 1)
    pthread_setspecific(late_key, (void *)((intptr_t)again - 1));
}

static void *count_while_ending(void *index) {
  (void)index;
  counters_allocated(HAND_OVER, 10);
  counters_freed(HAND_OVER, 10);
  pthread_setspecific(late_key, (void *)3);
  return NULL;
}

TEST(a_thread_counts_on_while_its_keys_are_destroyed) {
  counters_reset(HAND_OVER);
  assert_int_equal(pthread_key_create(&late_key, count_late), 0);
  for (int round = 0; round < 20; round++)
    unit_run_threads(THREADS, count_while_ending);
  arrowpool_stats v = read_pool(HAND_OVER);
  assert_int_equal(v.num_allocations, 20 * THREADS * 4);
  assert_int_equal(v.num_frees, 20 * THREADS * 4);
  assert_int_equal(v.bytes_allocated, 0);
}

/* ---- the peak ---- */

TEST(the_peak_is_exact_with_one_thread) {
  uint64_t random = 1;
  for (int round = 0; round < 50; round++) {
    int64_t sizes[32] = {0}, live = 0, peak = 0;
    counters_reset(PEAK);
    for (int i = 0; i < 2000; i++) {
      int64_t *size = &sizes[unit_random(&random) % COUNT_OF(sizes)];
      if (*size) {
        counters_freed(PEAK, *size);
        live -= *size;
        *size = 0;
      } else {
        *size = (int64_t)(unit_random(&random) >> (64 - 1 - unit_random(&random) % 24)) + 1;
        counters_allocated(PEAK, *size);
        live += *size;
      }
      peak = live > peak ? live : peak;
      arrowpool_stats sum = read_pool(PEAK);
      assert_int_equal(sum.bytes_allocated, live);
      assert_int_equal(sum.max_memory, peak);
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
      if (sizes[i])
        counters_freed(PEAK, sizes[i]);
    assert_int_equal(read_pool(PEAK).max_memory, peak);
  }
}

static pthread_barrier_t all;
static int64_t plan[THREADS]; /* bytes that each thread has when all are at the barrier */

static void *rise_and_fall(void *index) {
  uint64_t random = (uintptr_t)index;
  int64_t share = plan[(intptr_t)index], live = 0;
  while (live < share) { /* the thread's live bytes never exceed its share */
    int64_t size = (int64_t)(unit_random(&random) % 50000) + 1;
    size = size < share - live ? size : share - live;
    counters_allocated(BOUND, size);
    live += size;
    if (unit_random(&random) % 3 == 0) {
      counters_freed(BOUND, size);
      live -= size;
    }
  }
  pthread_barrier_wait(&all); /* here all shares live at once: that is the peak */
  for (; live; live -= live < 40000 ? live : 40000)
    counters_freed(BOUND, live < 40000 ? live : 40000);
  return NULL;
}

TEST(the_peak_is_within_its_bound_with_several_threads) {
  uint64_t random = 2;
  for (int round = 0; round < 20; round++) {
    int64_t peak = 0;
    for (int i = 0; i < THREADS; i++)
      peak += plan[i] = (int64_t)(unit_random(&random) % (3 * MIB)) + 1;
    counters_reset(BOUND);
    pthread_barrier_init(&all, NULL, THREADS);
    unit_run_threads(THREADS, rise_and_fall);
    pthread_barrier_destroy(&all);
    assert_in_range(read_pool(BOUND).max_memory,
                    peak > THREADS * COUNTERS_QUANTUM ? peak - THREADS * COUNTERS_QUANTUM : 0,
                    peak + THREADS * COUNTERS_QUANTUM);
    assert_int_equal(read_pool(BOUND).bytes_allocated, 0);
  }
}

/* ---- fork, reset ---- */

static void in_grandchild(void) {
  arrowpool_stats sum = read_pool(FORK);
  CHECK(sum.bytes_allocated == 1500 && sum.inherited_bytes == 1500 && sum.max_memory == 1500);
  CHECK(sum.num_allocations == 0 && sum.num_frees == 0);
}

static void in_fork_child(void) {
  arrowpool_stats sum = read_pool(FORK), expected = {.struct_size = sizeof expected,
                                                     .bytes_allocated = 3000,
                                                     .max_memory = 3000,
                                                     .inherited_bytes = 3000,
                                                     .limit_bytes = ARROWPOOL_UNKNOWN};
  expected.live_histogram[10] = expected.live_histogram[9] = 1; /* 2000 and 1000 bytes */
  CHECK(memcmp(&sum, &expected, sizeof sum) == 0);
  counters_allocated(FORK, 500);
  counters_freed(FORK, 2000); /* the parent's */
  sum = read_pool(FORK);
  CHECK(sum.bytes_allocated == 1500);
  CHECK(sum.total_bytes_allocated == 500);
  CHECK(sum.num_allocations == 1 && sum.num_frees == 1);
  CHECK(sum.max_memory == 3500);
  CHECK(sum.inherited_bytes == 3000);
  CHECK(sum.live_histogram[10] == 0 && sum.live_histogram[9] == 1);
  CHECK(sum.live_histogram[8] == 1);
  CHECK(unit_in_child(in_grandchild));
  CHECK(read_pool(FORK).bytes_allocated == 1500);
}

TEST(a_forked_child_starts_at_zero_and_keeps_what_is_live) {
  counters_allocated(FORK, 2000);
  counters_allocated(FORK, 9000);
  counters_reallocated(FORK, 9000, 1000, COUNTERS_COPIED);
  arrowpool_stats before = read_pool(FORK), after;
  assert_true(unit_in_child(in_fork_child));
  after = read_pool(FORK);
  assert_memory_equal(&before, &after, sizeof before);
  assert_int_equal(before.max_memory, 11000);
}

TEST(a_reset_pool_starts_from_nothing) {
  counters_allocated(RESET, 70000);
  counters_allocated(RESET, 10 * MIB);
  counters_freed(RESET, 10 * MIB);
  counters_freed(RESET, 70000);
  counters_reset(RESET);
  arrowpool_stats sum = read_pool(RESET),
                  zero = {.struct_size = sizeof zero, .limit_bytes = ARROWPOOL_UNKNOWN};
  assert_memory_equal(&sum, &zero, sizeof zero);
  counters_allocated(RESET, 42);
  sum = read_pool(RESET);
  assert_int_equal(sum.max_memory, 42);
  assert_int_equal(sum.num_allocations, 1);
  counters_freed(RESET, 42);
}

/* ---- the history, which goes on over forks ---- */

static bool history_is(int64_t live, int64_t peak, int64_t total, int64_t allocations) {
  counters_history h;
  counters_read_history(HISTORY, &h);
  return h.bytes_allocated == live && h.max_memory == peak && h.total_bytes_allocated == total &&
         h.num_allocations == allocations;
}

static void go_on_in_grandchild(void) {
  CHECK(history_is(500, 10000, 12500, 4));
  counters_allocated(HISTORY, 20000);
  CHECK(history_is(20500, 20500, 32500, 5)); /* higher than any of its ancestors */
  CHECK(read_pool(HISTORY).num_allocations == 1);
}

static void go_on_in_child(void) {
  CHECK(history_is(3000, 10000, 12000, 3));
  arrowpool_stats sum = read_pool(HISTORY);
  CHECK(sum.num_allocations == 0 && sum.total_bytes_allocated == 0 && sum.max_memory == 3000);
  counters_allocated(HISTORY, 500);
  counters_freed(HISTORY, 3000); /* the parent's */
  CHECK(history_is(500, 10000, 12500, 4));
  sum = read_pool(HISTORY);
  CHECK(sum.num_allocations == 1 && sum.total_bytes_allocated == 500 && sum.max_memory == 3500);
  CHECK(unit_in_child(go_on_in_grandchild));
  CHECK(history_is(500, 10000, 12500, 4));
}

TEST(the_history_goes_on_in_a_forked_child) {
  assert_true(history_is(0, 0, 0, 0));
  counters_allocated(HISTORY, 1000);
  counters_allocated(HISTORY, 9000);
  counters_freed(HISTORY, 9000);
  counters_reallocated(HISTORY, 1000, 3000, COUNTERS_IN_PLACE);
  assert_true(history_is(3000, 10000, 12000, 3));
  assert_true(unit_in_child(go_on_in_child));
  assert_true(history_is(3000, 10000, 12000, 3));
}

TEST(a_reset_pool_has_no_history) { /* its number goes to another pool */
  counters_freed(HISTORY, 3000);
  counters_reset(HISTORY);
  assert_true(history_is(0, 0, 0, 0));
  counters_allocated(HISTORY, 42);
  assert_true(history_is(42, 42, 42, 1));
  counters_freed(HISTORY, 42);
}

/* ---- readers ---- */

static atomic_bool polling;

static void *poll_the_sums(void *unused) {
  (void)unused;
  int64_t before[sizeof(arrowpool_stats) / sizeof(int64_t)] = {0}, now[COUNT_OF(before)];
  const size_t live = offsetof(arrowpool_stats, bytes_allocated) / sizeof(int64_t);
  const size_t live_buckets = offsetof(arrowpool_stats, live_histogram) / sizeof(int64_t);
  while (atomic_load(&polling)) {
    arrowpool_stats sum = read_pool(POLL);
    memcpy(now, &sum, sizeof now);
    for (size_t i = 0; i < COUNT_OF(before); i++)
      CHECK(i == live || i >= live_buckets || now[i] >= before[i]);
    CHECK(sum.bytes_allocated >= 0);
    memcpy(before, now, sizeof before);
  }
  return NULL;
}

static void *count_for_the_poll(void *index) {
  uint64_t random = (uintptr_t)index;
  for (int i = 0; i < 1000; i++) {
    int64_t size = (int64_t)(unit_random(&random) % 100000) + 1;
    counters_allocated(POLL, size);
    counters_reallocated(POLL, size, size / 2 + 1, (counters_kind)(i % 3));
    counters_freed(POLL, size / 2 + 1);
    counters_failed(POLL);
    counters_fell_back(POLL);
  }
  return NULL;
}

TEST(a_reader_never_sees_a_total_shrink) {
  pthread_t reader;
  atomic_store(&polling, true);
  assert_int_equal(pthread_create(&reader, NULL, poll_the_sums, NULL), 0);
  for (int round = 0; round < 50; round++) /* threads end and begin meanwhile */
    unit_run_threads(4, count_for_the_poll);
  atomic_store(&polling, false);
  assert_int_equal(pthread_join(reader, NULL), 0);
  assert_int_equal(read_pool(POLL).num_frees, 50 * 4 * 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_are_exact_when_the_threads_are_at_rest),
      cmocka_unit_test(the_last_bucket_takes_all_that_is_larger),
      cmocka_unit_test(a_thread_that_ends_leaves_its_sums),
      cmocka_unit_test(a_new_thread_takes_over_the_block_of_one_that_ended),
      cmocka_unit_test(a_thread_counts_on_while_its_keys_are_destroyed),
      cmocka_unit_test(the_peak_is_exact_with_one_thread),
      cmocka_unit_test(the_peak_is_within_its_bound_with_several_threads),
      cmocka_unit_test(a_forked_child_starts_at_zero_and_keeps_what_is_live),
      cmocka_unit_test(a_reset_pool_starts_from_nothing),
      cmocka_unit_test(the_history_goes_on_in_a_forked_child),
      cmocka_unit_test(a_reset_pool_has_no_history),
      cmocka_unit_test(a_reader_never_sees_a_total_shrink),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
