/* When page runs and packed extents give pages back that nobody needs: after the decay time, by the program's
 * clock, which is this program's own, so that hours pass in no time. Each test has a range of its own, in a
 * forked child. */
#include "unit.h"

#include "memory/backend.h"
#include "memory/backend_jemalloc_arenas.h"
#include "memory/idle.h"
#include "memory/packed.h"
#include "memory/page_runs.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DECAY  100 /* seconds */
#define HELD   100
#define ROUNDS 50 /* in that time */

static const backend *const b = &backend_jemalloc;
static uint8_t *held[HELD];
static _Atomic time_t passed;

/* jemalloc asks the C library for the time, and gets this; we ask the kernel (clock.h). */
__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *out) {
  int result = (int)syscall(SYS_clock_gettime, clock, out);
  out->tv_sec += passed;
  return result;
}

static void begin(void) {
  backend_jemalloc_configure((slots_policy){.decay = DECAY * 1000});
  backend_jemalloc_start();
  idle_allow_lazily(false); /* the thread's clock is the real one */
}

static void touch(uint8_t *buffer, int64_t size) {
  for (int64_t at = 0; at < size; at += 4096)
    buffer[at] = 1;
}

/* One phase of a program: it needs so many buffers for a while, and frees them all. Returns the page faults
 * it took. */
static long use(int count, int64_t size) {
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < count; i++)
    touch(held[i] = b->allocate((size_t)size, 64), size);
  passed += DECAY / ROUNDS / 2;
  for (int i = 0; i < count; i++)
    b->free(held[i], (size_t)size, 64);
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

static long use_often(int count, int64_t size, int rounds) {
  long faults = 0;
  for (int round = 0; round < rounds; round++, passed += DECAY / ROUNDS / 2) {
    faults += use(count, size);
    arenas_return(DECAY_DUE); /* as the thread does, now and then */
  }
  return faults;
}

static void use_and_wait(int count, int64_t size, const range_window *window) {
  begin();
  long first = use(count, size);
  use_often(count, size, ROUNDS);
  long later = use_often(count, size, 3 * ROUNDS);
  CHECK(later < 4 * first); /* what is used again stays: a curve over time takes ten times as many */
  int64_t all = unit_smaps_sum("Rss", window->base, window->size);
  CHECK(all >= count * size / 2);
  use_often(count / 4, size, 8 * ROUNDS);
  CHECK(unit_smaps_sum("Rss", window->base, window->size) < all / 2); /* and the rest goes */
}

static void use_page_runs(void) { use_and_wait(HELD, 30 * KIB, &page_runs_window); }

TEST(page_runs_that_are_used_again_stay_and_others_go) { assert_true(unit_in_child(use_page_runs)); }

static void use_packed(void) { use_and_wait(HELD / 4, 300 * KIB, &packed_window); }

TEST(packed_extents_that_are_used_again_stay_and_others_go) {
  SKIP_IF_EMULATED("the range is small");
  assert_true(unit_in_child(use_packed));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(page_runs_that_are_used_again_stay_and_others_go),
      cmocka_unit_test(packed_extents_that_are_used_again_stay_and_others_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
