/* Both backend tables (backend.h): contents, alignment, sizes, ownership; threads and their ends; and what
 * happens where the range cannot hold everything. */
#include "unit.h"

#include "memory/backend.h"
#include "memory/range.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static const int64_t grid_sizes[] = {
    1,        63,           64,       65,        500,           4095, 4096,    4097,   14 * KIB, 20 * KIB + 1,
    60 * KIB, 64 * KIB - 1, 64 * KIB, 128 * KIB, 128 * KIB + 1, MIB,  MIB + 1, 9 * MIB};
static const int64_t grid_alignments[] = {1, 8, 64, 128, 512, 1024, 4096, 8192, 64 * KIB, 2 * MIB};
#define GRID (COUNT_OF(grid_sizes) * COUNT_OF(grid_alignments))

static int64_t grid_size(size_t i) { return grid_sizes[i / COUNT_OF(grid_alignments)]; }
static int64_t grid_alignment(size_t i) { return grid_alignments[i % COUNT_OF(grid_alignments)]; }

static void *allocate(const backend *b, int64_t size, int64_t alignment) {
  void *buffer = b->allocate((size_t)size, (size_t)alignment);
  CHECK(buffer && unit_aligned(buffer, alignment));
  CHECK(backend_owns(b, buffer));
  CHECK(b->usable_size(buffer) >= (size_t)size);
  CHECK((b == &backend_jemalloc) == range_owns(buffer));
  return buffer;
}

/* Allocate all, then look at all: blocks that overlap would show. */
static void walk_the_grid(const backend *b) {
  void *buffers[GRID];
  for (size_t i = 0; i < GRID; i++) {
    buffers[i] = allocate(b, grid_size(i), grid_alignment(i));
    unit_write(buffers[i], grid_size(i), i);
  }
  for (size_t i = 0; i < GRID; i++) {
    CHECK(unit_matches(buffers[i], grid_size(i), INT64_MAX, i));
    b->free(buffers[i], i % 2 ? (size_t)grid_size(i) : 0, (size_t)grid_alignment(i)); /* size known or not */
  }
}

TEST(every_size_comes_at_every_alignment) {
  for (int round = 0; round < 3; round++)
    walk_the_grid(*state);
}

TEST(the_usable_size_can_be_used) {
  const backend *b = *state;
  for (size_t i = 0; i < GRID; i++) {
    uint8_t *buffer = allocate(b, grid_size(i), grid_alignment(i));
    int64_t usable = (int64_t)b->usable_size(buffer);
    unit_write(buffer, usable, i);
    assert_true(unit_matches(buffer, usable, usable, i));
    b->free(buffer, 0, 1);
  }
}

TEST(the_alignment_to_keep_is_at_least_the_one_asked_for) {
  const backend *b = *state;
  for (size_t i = 0; i < GRID; i++) {
    void *buffer = allocate(b, grid_size(i), grid_alignment(i));
    size_t alignment = b->alignment(buffer);
    if (b == &backend_jemalloc)
      assert_true(alignment >= (size_t)grid_alignment(i) && unit_aligned(buffer, (int64_t)alignment));
    else
      assert_int_equal(alignment, ARROWPOOL_DEFAULT_ALIGNMENT);
    b->free(buffer, 0, 1);
  }
}

TEST(reallocate_keeps_contents_and_alignment_between_all_sizes) {
  const backend *b = *state;
  for (size_t i = 0; i < GRID; i++)
    for (size_t k = 0; k < COUNT_OF(grid_sizes); k++) {
      backend_resize how = (backend_resize)99;
      uint8_t *before = allocate(b, grid_size(i), grid_alignment(i)), *after;
      uintptr_t place = (uintptr_t)before;
      unit_write(before, grid_size(i), i);
      after =
          b->reallocate(before, (size_t)grid_size(i), (size_t)grid_sizes[k], (size_t)grid_alignment(i), &how);
      assert_non_null(after);
      assert_true(unit_aligned(after, grid_alignment(i)));
      assert_true(unit_matches(after, grid_size(i), grid_sizes[k], i));
      assert_true(b->usable_size(after) >= (size_t)grid_sizes[k]);
      if (how == BACKEND_IN_PLACE || b == &backend_jemalloc) /* the system may copy back to the same place */
        assert_int_equal(how == BACKEND_IN_PLACE, (uintptr_t)after == place);
      b->free(after, (size_t)grid_sizes[k], (size_t)grid_alignment(i));
    }
}

TEST(a_failed_reallocate_says_so_and_changes_nothing) {
  const backend *b = *state;
  for (size_t i = 0; i < GRID; i++) {
    backend_resize how = (backend_resize)99;
    void *buffer = allocate(b, grid_size(i), grid_alignment(i));
    unit_write(buffer, grid_size(i), i);
    assert_null(
        b->reallocate(buffer, (size_t)grid_size(i), (size_t)1 << 46, (size_t)grid_alignment(i), &how));
    assert_int_equal(how, 99);
    assert_true(unit_matches(buffer, grid_size(i), grid_size(i), i));
    b->free(buffer, (size_t)grid_size(i), (size_t)grid_alignment(i));
  }
}

/* ---- remembered sizes ---- */

static void remembers(size_t size, size_t alignment) {
  void *buffer = backend_jemalloc.allocate(size, alignment);
  assert_non_null(buffer);
  assert_int_equal(backend_jemalloc.remember(buffer, size), size);
  assert_int_equal(backend_jemalloc.recall(buffer), size);
  backend_jemalloc.free(buffer, 0, 1);
}

TEST(jemalloc_recalls_every_size_exactly) {
  SKIP_IF_ADDRESSES_ARE_FEW();
  for (size_t size = 1; size <= 5000; size++)
    remembers(size, 64);
  for (size_t size = 5001; size <= (size_t)(200 * KIB); size += 97)
    remembers(size, 64);
  for (size_t i = 0; i < GRID; i++)
    remembers((size_t)grid_size(i), (size_t)grid_alignment(i));
  remembers((size_t)(300 * MIB) + 5, 64);
}

TEST(jemalloc_recalls_the_last_size_of_a_buffer) {
  void *buffer = backend_jemalloc.allocate(100, 64), *neighbour = backend_jemalloc.allocate(100, 64);
  backend_jemalloc.remember(neighbour, 77);
  for (size_t size = 65; size <= 128; size++) {
    backend_jemalloc.remember(buffer, size);
    assert_int_equal(backend_jemalloc.recall(buffer), size);
    assert_int_equal(backend_jemalloc.recall(neighbour), 77);
  }
  backend_jemalloc.free(buffer, 0, 1);
  backend_jemalloc.free(neighbour, 0, 1);
}

TEST(the_system_recalls_the_usable_size) {
  void *buffer = backend_system.allocate(1000, 64);
  size_t usable = backend_system.usable_size(buffer);
  assert_int_equal(backend_system.remember(buffer, 1000), usable);
  assert_int_equal(backend_system.recall(buffer), usable);
  backend_system.free(buffer, 0, 1);
}

/* ---- memory goes back ---- */

static int64_t resident(void) {
  backend_jemalloc_stats stats;
  assert_true(backend_jemalloc_read_stats(&stats));
  assert_true(stats.active > 0 && stats.metadata > 0);
  return stats.resident;
}

TEST(small_blocks_that_are_free_go_back_when_asked) {
  enum { BLOCKS = 4096 };
  static void *blocks[BLOCKS];
  backend_jemalloc.release_unused();
  for (int i = 0; i < BLOCKS; i++)
    unit_write(blocks[i] = allocate(&backend_jemalloc, 16 * KIB, 64), 16 * KIB, 1);
  int64_t full = resident();
  for (int i = 0; i < BLOCKS; i++)
    backend_jemalloc.free(blocks[i], 16 * KIB, 64);
  backend_jemalloc.release_unused();
  assert_true(resident() < full - 32 * MIB);
}

/* ---- threads ---- */

static void *work_on_both(void *index) {
  uint64_t random = (uintptr_t)index;
  struct {
    void *buffer;
    int64_t size, alignment;
    const backend *b;
  } items[16] = {{0}};
  for (int i = 0; i < (UNIT_TSAN ? 500 : 3000); i++) {
    size_t n = unit_random(&random) % COUNT_OF(items);
    if (items[n].buffer) {
      CHECK(unit_matches(items[n].buffer, items[n].size, INT64_MAX, n + 100 * (uintptr_t)index));
      items[n].b->free(items[n].buffer, (size_t)items[n].size, (size_t)items[n].alignment);
      items[n].buffer = NULL;
    } else {
      size_t cell = unit_random(&random) % GRID;
      items[n].b = unit_random(&random) % 4 ? &backend_jemalloc : &backend_system;
      items[n].size = grid_size(cell);
      items[n].alignment = grid_alignment(cell);
      items[n].buffer = allocate(items[n].b, items[n].size, items[n].alignment);
      unit_write(items[n].buffer, items[n].size, n + 100 * (uintptr_t)index);
    }
  }
  for (size_t n = 0; n < COUNT_OF(items); n++)
    if (items[n].buffer)
      items[n].b->free(items[n].buffer, (size_t)items[n].size, (size_t)items[n].alignment);
  return NULL;
}

TEST(many_threads_work_at_once) { unit_run_threads(8, work_on_both); }

/* Keys of before and after jemalloc's own one: destroyed before it and after it. Their destructors come
 * round as often as there are rounds; in the last, ThreadSanitizer has given up its own state of the thread
 * and crashes in any lock it sees. */
#define ROUNDS (UNIT_TSAN ? PTHREAD_DESTRUCTOR_ITERATIONS - 1 : PTHREAD_DESTRUCTOR_ITERATIONS)

static pthread_key_t early_key, late_key;

typedef struct last_will {
  pthread_key_t key;
  int rounds;
  void *buffers[4];
} last_will;

static void act_while_ending(void *context) {
  last_will *will = context;
  for (size_t i = 0; i < COUNT_OF(will->buffers); i++) {
    static const int64_t sizes[] = {100, 20 * KIB, 100 * KIB, 2 * MIB};
    if (will->buffers[i])
      backend_jemalloc.free(will->buffers[i], 0, 1);
    will->buffers[i] = allocate(&backend_jemalloc, sizes[i], 64); /* checks that it is in the range */
    unit_write(will->buffers[i], sizes[i], i);
    CHECK(unit_matches(will->buffers[i], sizes[i], sizes[i], i));
  }
  if (--will->rounds) {
    pthread_setspecific(will->key, will);
    return;
  }
  for (size_t i = 0; i < COUNT_OF(will->buffers); i++)
    backend_jemalloc.free(will->buffers[i], 0, 1);
}

static void *end_with_work_to_do(void *index) {
  static last_will early[8], late[8];
  early[(intptr_t)index] = (last_will){.key = early_key, .rounds = ROUNDS};
  late[(intptr_t)index] = (last_will){.key = late_key, .rounds = ROUNDS};
  pthread_setspecific(early_key, &early[(intptr_t)index]);
  if ((intptr_t)index % 2) /* else the thread meets jemalloc in its destructors only */
    backend_jemalloc.free(allocate(&backend_jemalloc, 100, 64), 100, 64);
  pthread_setspecific(late_key, &late[(intptr_t)index]);
  return NULL;
}

TEST(blocks_of_a_thread_that_is_ending_are_in_the_range) {
  assert_int_equal(pthread_key_create(&late_key, act_while_ending), 0);
  for (int round = 0; round < 10; round++)
    unit_run_threads(8, end_with_work_to_do);
}

/* ---- little address space ---- */

static int64_t address_space(void) {
  char text[64] = "";
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fgets(text, sizeof text, file));
  fclose(file);
  return strtol(text, NULL, 10) * sysconf(_SC_PAGESIZE);
}

static void limit_address_space(int64_t more) {
  CHECK(setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)(address_space() + more), RLIM_INFINITY}) == 0);
}

/* What the range does not hold comes from the system, and is told apart when it comes back. */
static void overflow_a_small_range(void) {
  enum { BUFFERS = 60 };
  void *buffers[BUFFERS];
  int strangers = 0;
  limit_address_space(GIB);
  for (int i = 0; i < BUFFERS; i++) {
    buffers[i] = backend_jemalloc.allocate((size_t)(8 * MIB), 64);
    CHECK(buffers[i]);
    strangers += !backend_owns(&backend_jemalloc, buffers[i]);
    unit_write(buffers[i], 8 * MIB, (uint64_t)i);
  }
  CHECK(strangers > 0 && strangers < BUFFERS);
  for (int i = 0; i < BUFFERS; i++) {
    backend_resize how;
    CHECK(unit_matches(buffers[i], 8 * MIB, INT64_MAX, (uint64_t)i));
    CHECK(backend_jemalloc.usable_size(buffers[i]) >= (size_t)(8 * MIB));
    void *resized = backend_jemalloc.reallocate(buffers[i], (size_t)(8 * MIB), (size_t)(9 * MIB), 64, &how);
    CHECK(resized && unit_aligned(resized, 64));
    CHECK(unit_matches(resized, 8 * MIB, INT64_MAX, (uint64_t)i));
    backend_jemalloc.free(resized, (size_t)(9 * MIB), 64);
  }
}

static void do_without_a_range(void) {
  limit_address_space(100 * MIB); /* a quarter of it is less than the smallest range */
  for (int64_t size = 1; size < 9 * MIB; size *= 5) {
    void *buffer = backend_jemalloc.allocate((size_t)size, 256);
    CHECK(buffer && unit_aligned(buffer, 256) && !backend_owns(&backend_jemalloc, buffer));
    unit_write(buffer, size, 1);
    CHECK(unit_matches(buffer, size, size, 1));
    backend_jemalloc.free(buffer, (size_t)size, 256);
  }
  backend_jemalloc.release_unused();
  backend_jemalloc_stats stats;
  CHECK(!backend_jemalloc_read_stats(&stats));
}

static void run_with_data_limited(void) {
  struct rlimit limit = {(rlim_t)GIB, RLIM_INFINITY};
  CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
  walk_the_grid(&backend_jemalloc);
}

static void in_a_limited_child(void (*body)(void)) {
  if (UNIT_SANITIZED)
    SKIP("the sanitizers' own memory does not fit into the limit");
  assert_true(unit_in_child(body));
}

TEST(what_a_small_range_cannot_hold_comes_from_the_system) {
  SKIP_IF_EMULATED("setrlimit(RLIMIT_AS) does nothing");
  in_a_limited_child(overflow_a_small_range);
}
TEST(without_a_range_everything_comes_from_the_system) {
  SKIP_IF_EMULATED("setrlimit(RLIMIT_AS) does nothing");
  in_a_limited_child(do_without_a_range);
}
TEST(a_limit_on_data_is_not_used_up_in_advance) { in_a_limited_child(run_with_data_limited); }

/* ---- the second try ---- */

static int tries, releases, tries_that_fail;
static char block[64];

static void *try_allocate(size_t size, size_t alignment) {
  (void)size, (void)alignment;
  return tries++ < tries_that_fail ? NULL : block;
}
static void *try_reallocate(void *buffer, size_t old_size, size_t new_size, size_t alignment,
                            backend_resize *how) {
  (void)old_size, (void)new_size, (void)alignment;
  *how = BACKEND_IN_PLACE;
  return tries++ < tries_that_fail ? NULL : buffer;
}
static void count_release(void) { releases++; }

TEST(without_memory_idle_pages_go_back_and_it_is_tried_once_more) {
  static const backend trying = {
      .allocate = try_allocate, .reallocate = try_reallocate, .release_unused = count_release};
  backend_resize how;
  for (tries_that_fail = 0; tries_that_fail < 3; tries_that_fail++) {
    void *expected = tries_that_fail < 2 ? block : NULL;
    tries = releases = 0;
    assert_ptr_equal(backend_allocate(&trying, 1, 1), expected);
    assert_int_equal(releases, tries_that_fail > 0);
    tries = releases = 0;
    assert_ptr_equal(backend_reallocate(&trying, block, 1, 2, 1, &how), expected);
    assert_int_equal(releases, tries_that_fail > 0);
    assert_int_equal(tries, tries_that_fail ? 2 : 1);
  }
}

TEST(what_is_larger_than_all_the_addresses_gives_nothing_back) {
  static const backend trying = {.allocate = try_allocate, .release_unused = count_release};
  struct rlimit before, limit;
  getrlimit(RLIMIT_AS, &before);
  setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)1 << 44, before.rlim_max});
  getrlimit(RLIMIT_AS, &limit);
  if (limit.rlim_cur > (rlim_t)1 << 44) /* an emulator keeps the limit that it was started with */
    SKIP("no limit on addresses can be set");
  for (size_t size = (size_t)GIB; size; size *= 2) {
    tries = releases = 0, tries_that_fail = 1;
    assert_ptr_equal(backend_allocate(&trying, size, 64), size > limit.rlim_cur ? NULL : block);
    assert_int_equal(releases, size <= limit.rlim_cur);
  }
  setrlimit(RLIMIT_AS, &before);
}

#define ON_BOTH(test)                                                                                        \
  TEST_WITH(test, "jemalloc", &backend_jemalloc), TEST_WITH(test, "system", &backend_system)

int main(void) {
  pthread_key_create(&early_key, act_while_ending);
  const struct CMUnitTest tests[] = {
      /* in children, so before the backend starts here */
      cmocka_unit_test(what_a_small_range_cannot_hold_comes_from_the_system),
      cmocka_unit_test(without_a_range_everything_comes_from_the_system),
      cmocka_unit_test(a_limit_on_data_is_not_used_up_in_advance),
      cmocka_unit_test(without_memory_idle_pages_go_back_and_it_is_tried_once_more),
      cmocka_unit_test(what_is_larger_than_all_the_addresses_gives_nothing_back),
      ON_BOTH(every_size_comes_at_every_alignment),
      ON_BOTH(the_usable_size_can_be_used),
      ON_BOTH(the_alignment_to_keep_is_at_least_the_one_asked_for),
      ON_BOTH(reallocate_keeps_contents_and_alignment_between_all_sizes),
      ON_BOTH(a_failed_reallocate_says_so_and_changes_nothing),
      cmocka_unit_test(jemalloc_recalls_every_size_exactly),
      cmocka_unit_test(jemalloc_recalls_the_last_size_of_a_buffer),
      cmocka_unit_test(the_system_recalls_the_usable_size),
      cmocka_unit_test(small_blocks_that_are_free_go_back_when_asked),
      cmocka_unit_test(many_threads_work_at_once),
      cmocka_unit_test(blocks_of_a_thread_that_is_ending_are_in_the_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
