/* Live files while they are written (live.h), read as the command line reads them (stats.h): no value is
 * ever torn or goes back, and at rest they are exact. */
#include "unit.h"

#include "cli/stats/stats.h"
#include "counters/counters.h"
#include "counters/counters_area.h"
#include "report/live.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POOL   7
#define ROUNDS 300000

static char directory[] = "/tmp/arrowpool-test-live-XXXXXX", path[256];
static atomic_int running;
static atomic_long polls; /* of the reader */

static void complain(const char *file, const char *problem) {
  fprintf(stderr, "%s: %s\n", file, problem);
  abort();
}

static void begin(void) {
  live_start(directory, true, complain);
  counters_label(POOL, "c:churn", "jemalloc", true, true, 0);
  counters_allocated(POOL, 1);
  FILE *found = popen("ls -d /tmp/arrowpool-test-live-*/*-$PPID-*.live", "r"); /* ours: the shell's parent */
  CHECK(found && fgets(path, sizeof path, found));
  pclose(found);
  path[strcspn(path, "\n")] = 0;
}

static void *churn(void *index) {
  uint64_t random = (uintptr_t)index + 1;
  for (int i = 0; i < ROUNDS; i++) {
    while (i == ROUNDS / 2 && atomic_load(&polls) <= 10) /* the reader may get little of the processor */
      sched_yield();
    int64_t size = (int64_t)(unit_random(&random) % 100000) + 1;
    counters_allocated(POOL, size);
    counters_reallocated(POOL, size, 2 * size, (counters_kind)(i % 3));
    counters_freed(POOL, 2 * size);
  }
  atomic_fetch_sub(&running, 1);
  return NULL;
}

/* The figures that only grow. The peak is one too, within its bound: a reader may add up what a thread is
 * just about to report. */
/* clang-format off */
#define GROWING(X)                                                                                           \
  X(num_allocations) X(num_reallocations) X(total_bytes_allocated) X(num_frees) X(reallocs_in_place)         \
  X(reallocs_remapped) X(reallocs_copied) X(bytes_grown_in_place) X(bytes_remapped) X(bytes_copied)
/* clang-format on */

static void poll_while_running(void) {
  arrowpool_stats before = {0};
  while (atomic_load(&running)) {
    stats f;
    CHECK(!stats_read_live(path, &f));
    CHECK(f.pool_count == 1 && f.state == STATS_RUNNING && f.process.pid == getpid());
    arrowpool_stats now = f.pools[0].stats;
#define X(name) CHECK(now.name >= before.name);
    GROWING(X)
#undef X
    CHECK(now.bytes_allocated >= 0 && now.bytes_allocated <= now.total_bytes_allocated);
    CHECK(now.max_memory >= before.max_memory - 2 * COUNTERS_QUANTUM);
    before = now;
    stats_free(&f);
    atomic_fetch_add(&polls, 1);
  }
}

static void churn_under_a_reader(void) {
  pthread_t threads[2];
  begin();
  atomic_store(&running, 2);
  for (uintptr_t i = 0; i < 2; i++)
    CHECK(!pthread_create(&threads[i], NULL, churn, (void *)i));
  poll_while_running();
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  stats f;
  arrowpool_stats sum;
  CHECK(!stats_read_live(path, &f));
  counters_read(POOL, &sum);
  CHECK(f.pools[0].stats.num_frees == 2 * ROUNDS && f.pools[0].stats.bytes_allocated == 1);
#define X(name, unit, type, metric, help) CHECK(f.pools[0].stats.name == sum.name);
  FIELDS_DERIVED(X)
  FIELDS_STORED(X)
#undef X
  CHECK(f.pools[0].stats.max_memory == sum.max_memory);
  CHECK(!memcmp(f.pools[0].stats.size_histogram, sum.size_histogram, sizeof sum.size_histogram));
  CHECK(!memcmp(f.pools[0].stats.live_histogram, sum.live_histogram, sizeof sum.live_histogram));
  stats_free(&f);
  unlink(path);
}

TEST(a_reader_sees_no_torn_value_and_none_that_goes_back) {
  assert_non_null(mkdtemp(directory));
  assert_true(unit_in_child(churn_under_a_reader));
  assert_int_equal(rmdir(directory), 0);
}

/* Returns the peak that a reader of the live file and the process itself see. */
static int64_t read_peak(void) {
  stats f;
  arrowpool_stats here;
  CHECK(!stats_read_live(path, &f));
  counters_read(POOL, &here);
  CHECK(f.pools[0].stats.max_memory == here.max_memory);
  CHECK(here.bytes_allocated <= here.max_memory && f.pools[0].stats.bytes_allocated == here.bytes_allocated);
  stats_free(&f);
  return here.max_memory;
}

/* As a reader finds it that was interrupted between two sums, while much was freed and allocated. */
static void read_what_is_torn(void) {
  begin();
  _Atomic int64_t *total = &atomic_load(&area_shards[POOL])->sums[AREA_FIELD(total_bytes_allocated)];
  CHECK(read_peak() == 1);
  *total += GIB;
  CHECK(read_peak() <= 1 + COUNTERS_QUANTUM);
  *total -= GIB;
  CHECK(read_peak() <= 1 + COUNTERS_QUANTUM);
  unlink(path);
}

TEST(what_is_torn_raises_the_peak_within_its_bound) {
  assert_non_null(mkdtemp(strcpy(directory, "/tmp/arrowpool-test-live-XXXXXX")));
  assert_true(unit_in_child(read_what_is_torn));
  assert_int_equal(rmdir(directory), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_reader_sees_no_torn_value_and_none_that_goes_back),
                                     cmocka_unit_test(what_is_torn_raises_the_peak_within_its_bound)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
