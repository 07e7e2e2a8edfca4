/* Packed extents and page runs that the housekeeping thread gives back lazily (idle.h), as test_lazy_slots.c
 * has it of slots. Each test has a range of its own, in a forked child. */
#include "lazy.h"

#include "base/proc.h"
#include "memory/backend.h"
#include "memory/packed.h"
#include "memory/page_runs.h"

#include <dirent.h>
#include <stdio.h>

static const backend *const b = &backend_jemalloc;

static void begin_backend(int64_t decay) {
  backend_jemalloc_configure((slots_policy){.decay = decay});
  backend_jemalloc_start();
}

#define HELD 24

static void make(uint8_t **held, int64_t size, uint64_t tag) {
  for (uint64_t i = 0; i < HELD; i++) {
    CHECK(held[i] = b->allocate((size_t)size, 64));
    unit_write(held[i], size, tag + i);
  }
}

static void check_and_free(uint8_t **held, int64_t size, uint64_t tag) {
  for (uint64_t i = 0; i < HELD; i++) {
    CHECK(unit_matches(held[i], size, size, tag + i));
    b->free(held[i], (size_t)size, 64);
  }
}

/* Waits until the kernel has been told of so many bytes, which takes the thread a moment. */
static bool wait_for_lazy(int64_t bytes) {
  for (int tries = 0; tries < 500; tries++) {
    if (lazy_bytes() >= bytes)
      return true;
    sleep_for(20);
  }
  return false;
}

static void packed_extents(void) {
  begin_backend(LONG);
  uint8_t *held[HELD];
  for (uint64_t round = 0; round < 3; round++) {
    make(held, MIB, round * 1000);
    CHECK(packed_holds(held[0]) && idle_bytes() < (size_t)(HELD * MIB));
    int64_t resident = resident_bytes(&packed_window);
    check_and_free(held, MIB, round * 1000);
    size_t idle = idle_bytes();
    CHECK(idle >= (size_t)((HELD - 4) * MIB)); /* others are in the cache */
    CHECK(wait_for_lazy((HELD - 6) * MIB));
    CHECK(idle_bytes() == idle && resident_bytes(&packed_window) <= resident);
  }
  b->release_unused();
  CHECK(idle_bytes() == 0 && lazy_bytes() == 0 && resident_bytes(&packed_window) == 0);
  CHECK(((uint8_t *)b->allocate((size_t)MIB, 64))[4096] == 0);
}

TEST(packed_extents_are_given_back_lazily_and_used_again) {
  SKIP_WITHOUT_LAZY_FREE();
  assert_true(unit_in_child(packed_extents));
}

#define RUNS 200

static void page_runs(void) {
  begin_backend(LONG);
  static uint8_t *held[RUNS];
  const int64_t size = 30 * KIB;
  for (uint64_t round = 0; round < 3; round++) {
    for (uint64_t i = 0; i < RUNS; i++) {
      CHECK((held[i] = b->allocate((size_t)size, 64)) && page_runs_hold(held[i]));
      unit_write(held[i], size, round * 1000 + i);
    }
    for (uint64_t i = 0; i < RUNS; i++) {
      CHECK(unit_matches(held[i], size, size, round * 1000 + i));
      b->free(held[i], (size_t)size, 64);
    }
    CHECK(wait_for_lazy(RUNS * size / 2)); /* the thread's cache has the rest */
  }
  b->release_unused();
  CHECK(lazy_bytes() == 0);
}

TEST(page_runs_are_given_back_lazily_and_used_again) {
  SKIP_WITHOUT_LAZY_FREE();
  assert_true(unit_in_child(page_runs));
}

/* Returns whether there is a housekeeping thread, by its name. */
static bool is_there(void) {
  DIR *threads = opendir("/proc/self/task");
  CHECK(threads);
  bool found = false;
  for (struct dirent *entry; !found && (entry = readdir(threads)) != NULL;) {
    char path[320], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    proc_read(path, name, sizeof name);
    found = strcmp(name, "arrowpool") == 0;
  }
  closedir(threads);
  return found;
}

static int64_t decay;
static _Atomic bool *were_lazy; /* shared with the children */

static void expire_packed(void) {
  begin_backend(decay);
  uint8_t *held[HELD];
  make(held, MIB, 1);
  check_and_free(held, MIB, 1);
  for (int tries = 0; idle_bytes() && tries < 2000; tries++)
    sleep_for(20);
  CHECK(idle_bytes() == 0);
  atomic_store(were_lazy, lazy_calls > 0);
  for (int tries = 0; is_there() && tries < 500; tries++) /* no thread, no timer */
    sleep_for(20);
  CHECK(!is_there());
}

static void refuse_packed(void) {
  refused = true;
  expire_packed();
}

/* On a machine that is busy the housekeeping thread may come when the decay time is over, and all goes at
 * once: then a longer one has to show it. */
static void expire_lazily_first(void (*in_child)(void)) {
  were_lazy = mmap(NULL, sizeof *were_lazy, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(were_lazy != MAP_FAILED);
  for (decay = 400; decay <= 25600 && !atomic_load(were_lazy); decay *= 4)
    assert_true(unit_in_child(in_child));
  assert_true(atomic_load(were_lazy));
  munmap(were_lazy, sizeof *were_lazy);
}

TEST(they_go_at_the_end_of_the_decay_time) { expire_lazily_first(expire_packed); }

TEST(they_do_where_the_kernel_refuses) { expire_lazily_first(refuse_packed); }

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int64_t longest_gap, loop_size;

/* The pauses are short; on a machine that is busy they may still be long. */
static void use_over_and_over(void) {
  begin_backend(LONG);
  uint8_t *held[HELD];
  longest_gap = 0;
  int64_t began = now(), freed = began;
  while (now() < began + 1000) {
    make(held, loop_size, 1);
    longest_gap = now() - freed > longest_gap ? now() - freed : longest_gap;
    check_and_free(held, loop_size, 1);
    freed = now();
    sleep_for(10);
  }
  CHECK(lazy_calls == 0 || longest_gap > IDLE_LAZILY_AFTER / 2);
}

TEST(what_is_used_again_soon_is_not_given_back) {
  static const int64_t sizes[] = {30 * KIB, 300 * KIB, MIB, 5 * MIB};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    loop_size = sizes[i];
    assert_true(unit_in_child(use_over_and_over));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packed_extents_are_given_back_lazily_and_used_again),
      cmocka_unit_test(page_runs_are_given_back_lazily_and_used_again),
      cmocka_unit_test(they_go_at_the_end_of_the_decay_time),
      cmocka_unit_test(they_do_where_the_kernel_refuses),
      cmocka_unit_test(what_is_used_again_soon_is_not_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
