/* Profiles (profile/profile.h) where it is hard: a fork while others are sampled, handlers on a signal's own
 * stack, threads that are cancelled within a sample, a million live buffers of a hundred thousand stacks; and
 * the estimator by itself, with numbers that are the same each time. */
#include "unit_profile.h"

#include "profile_stacks.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LARGE (100 * MEAN) /* sampled for certain */

static int64_t records(void) {
  sums s = {0};
  add_records(&s);
  return s.records;
}

/* ---- forks ---- */

static atomic_bool is_over;

static void use_buffers(arrowpool_pool *pool, uint64_t *random, int rounds) {
  for (int i = 0; i < rounds; i++) {
    int64_t size = INT64_C(64) << unit_random(random) % 14, grown = size * 3;
    void *buffer = take(pool, size);
    unit_write(buffer, size, (uint64_t)i);
    CHECK(pool_reallocate(pool, size, grown, 64, &buffer) == ARROWPOOL_OK);
    CHECK(unit_matches(buffer, size, size, (uint64_t)i));
    give(pool, buffer, grown);
  }
}

static void *use_buffers_until_over(void *index) {
  uint64_t random = (uintptr_t)index + 1;
  while (!is_over) {
    use_buffers(pool_built_in(POOL_JEMALLOC), &random, 10);
    use_buffers(pool_built_in(POOL_SYSTEM), &random, 10);
  }
  return NULL;
}

/* It begins with an empty profile, in which nothing of other threads' comes, and has what it takes itself. */
static void child_among_threads(void) {
  arrowpool_pool *pool = pool_built_in(POOL_JEMALLOC);
  uint64_t random = 1;
  CHECK(!store_header());
  void *buffer = take(pool, LARGE);
  CHECK(store_header()->pid == getpid() && records() == 1);
  use_buffers(pool, &random, 20); /* AddressSanitizer's malloc may hang in such a child */
  CHECK(records() == 1);
  give(pool, buffer, LARGE);
  check_sums((sums){0});
}

IN_CHILD(forks_while_other_threads_are_sampled) {
  enum { THREADS = 4 };
  pthread_t threads[THREADS];
  begin(KIB);
  backend_jemalloc_start(); /* as it would by itself, but before there are threads */
  arrowpool_pool *pool = pool_built_in(POOL_JEMALLOC);
  void *buffer = take(pool, LARGE);
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, use_buffers_until_over, (void *)i) == 0);
  for (int i = 0; i < (UNIT_SANITIZED ? 20 : 100); i++)
    CHECK(unit_in_child(child_among_threads));
  is_over = true;
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(records() == 1);
  give(pool, buffer, LARGE);
  check_sums((sums){0});
}

/* ---- handlers ---- */

static void *before_handler, *from_handler;

/* None of what it allocates is sampled; of what was sampled before, what it frees leaves the profile, and
 * what it grows stays there with its new size. */
static void allocate_in_handler(int number) {
  arrowpool_pool *pool = pool_built_in(POOL_JEMALLOC);
  (void)number;
  int64_t samples = store_header()->samples;
  from_handler = take(pool, LARGE);
  CHECK(records() == 2);
  give(pool, take(pool, LARGE), LARGE);
  CHECK(pool_reallocate(pool, LARGE, 3 * LARGE, 64, &before_handler) == ARROWPOOL_OK);
  CHECK(records() == 2);
  give(pool, before_handler, 3 * LARGE);
  CHECK(records() == 1 && store_header()->samples == samples);
}

static void *raise_on_own_stack(void *stack) {
  arrowpool_pool *pool = pool_built_in(POOL_JEMALLOC);
  const struct sigaction action = {.sa_handler = allocate_in_handler, .sa_flags = SA_ONSTACK};
  CHECK(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = (size_t)(256 * KIB)}, NULL) == 0 &&
        sigaction(SIGUSR1, &action, NULL) == 0);
  void *kept = take(pool, LARGE);
  for (int i = 0; i < 20; i++) {
    before_handler = take(pool, LARGE);
    CHECK(raise(SIGUSR1) == 0 && records() == 1);
    give(pool, from_handler, LARGE);
  }
  give(pool, kept, LARGE);
  CHECK(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL) == 0);
  return NULL;
}

static void raise_on_own_stacks(void) {
  static char stack[256 * KIB];
  pthread_t thread;
  begin(MEAN);
  raise_on_own_stack(stack);
  CHECK(pthread_create(&thread, NULL, raise_on_own_stack, stack) == 0 && pthread_join(thread, NULL) == 0);
  check_sums((sums){0});
}

TEST(handlers_on_a_stack_of_their_own_are_not_sampled) {
  if (UNIT_TSAN)
    SKIP("ThreadSanitizer takes an allocation in a handler for a fault");
  assert_true(unit_in_child(raise_on_own_stacks));
}

/* ---- cancellation ---- */

/* A sample opens the file and has it grow, which are cancellation points; an allocation is none. */
static void *allocate_while_cancelled(void *kept) {
  arrowpool_pool *pool = pool_built_in(POOL_SYSTEM);
  CHECK(pthread_cancel(pthread_self()) == 0);
  void *buffer = take(pool, LARGE);
  CHECK(pool_reallocate(pool, LARGE, 2 * LARGE, 64, &buffer) == ARROWPOOL_OK);
  for (int i = 0; i < 2000; i++) /* so many records take more of the disk */
    ((void **)kept)[i] = take(pool, 4 * MEAN);
  give(pool, buffer, 2 * LARGE);
  is_over = true;
  pthread_testcancel();
  return NULL;
}

IN_CHILD(a_thread_that_is_cancelled_ends_behind_its_samples) {
  static void *kept[2000];
  pthread_t thread;
  void *result;
  sums s = {0};
  begin(MEAN);
  CHECK(pthread_create(&thread, NULL, allocate_while_cancelled, kept) == 0 &&
        pthread_join(thread, &result) == 0);
  CHECK(is_over && result == PTHREAD_CANCELED);
  for (size_t i = 0; i < COUNT_OF(kept); i++)
    add_truth(&s, 4 * MEAN, 4 * MEAN);
  check_sums(s);
  for (size_t i = 0; i < COUNT_OF(kept); i++)
    give(pool_built_in(POOL_SYSTEM), kept[i], 4 * MEAN);
  check_sums((sums){0});
}

/* ---- many ---- */

#define BUFFERS    1000000
#define STACKS     100000
#define STACK_BITS 17
#define SAMPLES    10500 /* the spread of an estimate is 1 % of it then, and the bound five times that */
#define PER_SECOND 1700  /* below what makes samples rarer */
#define FILE_BYTES (13 * MIB / 2)
#define BOUND      0.05

static void *many[BUFFERS];

static int64_t size_of(int i) { return 64 + 64 * (i % 16); }

static void pause_for(int64_t milliseconds) {
  struct timespec left = {.tv_nsec = milliseconds * 1000000};
  while (nanosleep(&left, &left))
    continue;
}

static arrowpool_pool *many_pool;
static void *take_size(void *size) { return take(many_pool, *(int64_t *)size); }

/* Allocates them, no faster than PER_SECOND samples are to be expected. Returns how many bytes. */
static int64_t take_many(int64_t mean) {
  int64_t bytes = 0, next = 0;
  for (int i = 0; i < BUFFERS; i++) {
    int64_t size = size_of(i / STACKS);
    many[i] = profile_stacks_call((unsigned)(i % STACKS), STACK_BITS, take_size, &size);
    bytes += size;
    if (bytes > next) {
      next = bytes + mean * PER_SECOND / 20;
      pause_for(50);
    }
  }
  return bytes;
}

/* Returns the size of this process's file (bytes). */
static int64_t file_size(void) {
  char start[32], path[sizeof directory + 256];
  struct stat status = {0};
  DIR *all = opendir(directory);
  snprintf(start, sizeof start, "arrowpool-%d-", getpid());
  for (struct dirent *one; (one = readdir(all)) != NULL;)
    if (strncmp(one->d_name, start, strlen(start)) == 0) {
      snprintf(path, sizeof path, "%s/%s", directory, one->d_name);
      CHECK(stat(path, &status) == 0);
    }
  closedir(all);
  return (int64_t)status.st_size;
}

static bool is_near(double estimate, double truth) { return fabs(estimate - truth) <= BOUND * truth; }

IN_CHILD(a_million_live_buffers_of_a_hundred_thousand_stacks) {
  int64_t all = 0;
  for (int i = 0; i < BUFFERS; i++)
    all += size_of(i / STACKS);
  begin(all / SAMPLES);
  many_pool = pool_built_in(POOL_JEMALLOC);
  CHECK(take_many(all / SAMPLES) == all && stream_mean == all / SAMPLES);
  sums live = {0};
  add_records(&live);
  const profile_header *h = store_header();
  double total = 0, samples = 0;
  for (uint32_t i = 0; i < h->sections[PROFILE_STACKS].used; i++) {
    const profile_stack *s = store_record(PROFILE_STACKS, i);
    total += (double)s->total_bytes;
    samples += (double)s->samples;
  }
  const profile_stack *other = store_record(PROFILE_STACKS, 0);
  CHECK(is_near(live.estimate, (double)all) && is_near(total, (double)all) &&
        is_near(records_live(), (double)all));
  CHECK(is_near((double)h->peak_bytes, (double)all) || (double)h->peak_bytes > (double)all / 1.1);
  CHECK(other->samples > SAMPLES / 4 && other->samples == h->lost_stacks && samples == (double)h->samples);
  CHECK(h->lost_records == 0 && live.records == h->samples);
  CHECK(file_size() > 0 && file_size() <= FILE_BYTES);
  for (int i = 0; i < BUFFERS; i++)
    give(many_pool, many[i], size_of(i / STACKS));
  check_sums((sums){0});
}

/* ---- the estimator ---- */

/* Estimates `count` buffers that are made of `steps` parts each, as the pools do, with seeds that stay. */
static double estimate(int64_t size, int steps, int64_t count) {
  double sum = 0;
  int64_t part = size / steps;
  stream_own = (stream){.random = (uint64_t)size * 1000 + (uint64_t)steps};
  stream_own.left = stream_draw();
  for (int64_t i = 0; i < count; i++) {
    bool is_sampled = false;
    for (int step = 0; step < steps; step++)
      is_sampled |= stream_pass(part);
    if (is_sampled)
      sum += (double)size * records_weight((double)size / (double)stream_mean);
  }
  return sum;
}

/* The bound of one percent is five times the spread, and more. */
TEST(the_estimate_is_right_on_average) {
  atomic_store(&stream_mean, MEAN);
  for (int64_t size = MEAN / 32; size <= 4 * MEAN; size *= 2)
    for (int steps = 1; steps <= 64; steps *= 8) {
      double sampled = -expm1(-(double)size / (double)MEAN), spread = 0.002;
      int64_t count = (int64_t)((1 - sampled) / sampled / (spread * spread)) + 1;
      double truth = (double)size * (double)count;
      assert_true(fabs(estimate(size, steps, count) - truth) <= 0.01 * truth);
    }
  atomic_store(&stream_mean, STREAM_MEAN);
  stream_own = (stream){0};
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_estimate_is_right_on_average),
      cmocka_unit_test(forks_while_other_threads_are_sampled),
      cmocka_unit_test(handlers_on_a_stack_of_their_own_are_not_sampled),
      cmocka_unit_test(a_thread_that_is_cancelled_ends_behind_its_samples),
      cmocka_unit_test(a_million_live_buffers_of_a_hundred_thousand_stacks),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
