/* Limits: exact with any number of threads, the old buffer intact, charges and figures in step; and what a
 * process may use by its control groups. */
#include "machine.h"
#include "unit_pools.h"

#include "base/memory_available.h"
#include "pool/pool.h"
#include "pool/refusal.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(a_limit_is_reached_to_the_byte_and_not_exceeded) {
  arrowpool_pool *pool = open_pool("to the byte", (arrowpool_backend)(uintptr_t)*state, 1000);
  uint8_t *a = NULL, *b = NULL, *none = NULL;
  assert_int_equal(arrowpool_allocate(pool, 600, 64, &a), ARROWPOOL_OK);
  assert_int_equal(arrowpool_allocate(pool, 401, 64, &none), ARROWPOOL_OUT_OF_MEMORY);
  assert_null(none);
  assert_int_equal(arrowpool_allocate(pool, 400, 64, &b), ARROWPOOL_OK);
  assert_int_equal(arrowpool_allocate(pool, 1, 64, &none), ARROWPOOL_OUT_OF_MEMORY);
  assert_int_equal(arrowpool_allocate(pool, 0, 64, &none), ARROWPOOL_OK); /* costs nothing */
  arrowpool_stats s = stats_of(pool);
  assert_int_equal(s.bytes_allocated, 1000);
  assert_int_equal(s.max_memory, 1000);
  assert_int_equal(s.num_failed, 2);
  assert_int_equal(s.limit_bytes, 1000);
  arrowpool_free(pool, b, 400, 64);
  assert_int_equal(arrowpool_allocate(pool, 400, 64, &b), ARROWPOOL_OK);
  arrowpool_free(pool, b, 400, 64);
  arrowpool_free(pool, a, 600, 64);
  assert_int_equal(pool_headroom_for(pool, 0, 1001).live, 0);
  arrowpool_destroy(pool);
}

TEST(a_refused_growth_leaves_the_buffer_as_it_was) {
  arrowpool_pool *pool = open_pool("growth", (arrowpool_backend)(uintptr_t)*state, 10 * MIB);
  uint8_t *buffer = NULL;
  assert_int_equal(arrowpool_allocate(pool, 6 * MIB, 64, &buffer), ARROWPOOL_OK);
  unit_write(buffer, 6 * MIB, 1);
  uint8_t *before = buffer;
  assert_int_equal(arrowpool_reallocate(pool, 6 * MIB, 10 * MIB + 1, 64, &buffer), ARROWPOOL_OUT_OF_MEMORY);
  assert_ptr_equal(buffer, before);
  assert_true(unit_matches(buffer, 6 * MIB, 6 * MIB, 1));
  /* Growing needs room for the difference only. */
  assert_int_equal(arrowpool_reallocate(pool, 6 * MIB, 10 * MIB, 64, &buffer), ARROWPOOL_OK);
  assert_true(unit_matches(buffer, 6 * MIB, 6 * MIB, 1));
  /* What shrinking gives up is there for others. */
  assert_int_equal(arrowpool_reallocate(pool, 10 * MIB, MIB, 64, &buffer), ARROWPOOL_OK);
  uint8_t *other = NULL;
  assert_int_equal(arrowpool_allocate(pool, 9 * MIB, 64, &other), ARROWPOOL_OK);
  assert_int_equal(arrowpool_allocate(pool, 1, 64, &before), ARROWPOOL_OUT_OF_MEMORY);
  arrowpool_free(pool, other, 9 * MIB, 64);
  arrowpool_free(pool, buffer, MIB, 64);
  assert_int_equal(stats_of(pool).max_memory, 10 * MIB);
  arrowpool_destroy(pool);
}

TEST(what_no_limit_allows_is_said_in_words) {
  arrowpool_pool *pool = open_pool("words", ARROWPOOL_BACKEND_JEMALLOC, 2 * KIB);
  uint8_t *buffer = NULL;
  char text[REFUSAL_BYTES];
  assert_int_equal(arrowpool_allocate(pool, 1536, 64, &buffer), ARROWPOOL_OK);
  refusal_describe(pool, 0, 1000, text);
  assert_string_equal(text, "malloc of size 1000 failed: pool c:words has 1.5 KiB of its limit of 2.0 KiB");
  refusal_describe(pool, 1536, 3000, text);
  assert_string_equal(text,
                      "realloc of 1536 to 3000 failed: pool c:words has 1.5 KiB of its limit of 2.0 KiB");
  refusal_describe(pool, 0, 100, text); /* no limit is in its way */
  assert_string_equal(text, "malloc of size 100 failed");
  char short_text[15];
  assert_int_equal(arrowpool_describe_failure(pool, 0, 1000, text, sizeof text), ARROWPOOL_OK);
  assert_string_equal(text, "malloc of size 1000 failed: pool c:words has 1.5 KiB of its limit of 2.0 KiB");
  assert_int_equal(arrowpool_describe_failure(pool, 0, 1000, short_text, sizeof short_text), ARROWPOOL_OK);
  assert_string_equal(short_text, "malloc of size");
  assert_int_equal(arrowpool_describe_failure(NULL, 0, 1000, text, sizeof text), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_describe_failure(pool, 0, 1000, text, 0), ARROWPOOL_INVALID);
  arrowpool_free(pool, buffer, 1536, 64);
  arrowpool_destroy(pool);
}

/* ---- many threads at the edge ---- */

#define THREADS 16
#define EDGE    (3 * MIB + 12345)

static arrowpool_pool *edge_pool;
static _Atomic int64_t held, refusals;

/* Each keeps some buffers, of sizes that all together are far above the limit, and checks at every step. */
static void *at_the_edge(void *index) {
  uint64_t seed = 1000 + (uint64_t)(uintptr_t)index;
  struct {
    uint8_t *buffer;
    int64_t size;
  } own[8] = {{NULL, 0}};
  for (int step = 0; step < (UNIT_SANITIZED ? 1500 : 6000); step++) {
    unsigned i = unit_random(&seed) % COUNT_OF(own);
    int64_t size = 1 + (int64_t)(unit_random(&seed) % (256 * KIB));
    uint64_t tag = (uint64_t)(uintptr_t)index << 8 | i;
    if (!own[i].buffer) {
      if (arrowpool_allocate(edge_pool, size, 64, &own[i].buffer) == ARROWPOOL_OK) {
        own[i].size = size;
        /* Held for certain: counted by us after the pool did. */
        CHECK(atomic_fetch_add(&held, size) + size <= EDGE);
        unit_write(own[i].buffer, size, tag);
      } else {
        atomic_fetch_add(&refusals, 1);
      }
    } else if (step % 3) {
      CHECK(unit_matches(own[i].buffer, own[i].size, own[i].size, tag));
      int64_t before = own[i].size;
      if (size < before)
        atomic_fetch_sub(&held, before - size);
      if (arrowpool_reallocate(edge_pool, before, size, 64, &own[i].buffer) == ARROWPOOL_OK) {
        if (size > before)
          CHECK(atomic_fetch_add(&held, size - before) + size - before <= EDGE);
        own[i].size = size;
        unit_write(own[i].buffer, size, tag);
      } else {
        CHECK(size > before);
        CHECK(unit_matches(own[i].buffer, before, before, tag));
        atomic_fetch_add(&refusals, 1);
      }
    } else {
      atomic_fetch_sub(&held, own[i].size);
      arrowpool_free(edge_pool, own[i].buffer, own[i].size, 64);
      own[i].buffer = NULL;
    }
    arrowpool_stats s = stats_of(edge_pool);
    CHECK(s.bytes_allocated <= EDGE && s.max_memory <= EDGE);
  }
  for (size_t i = 0; i < COUNT_OF(own); i++)
    if (own[i].buffer) {
      atomic_fetch_sub(&held, own[i].size);
      arrowpool_free(edge_pool, own[i].buffer, own[i].size, 64);
    }
  return NULL;
}

TEST(threads_at_the_edge_never_exceed_it) {
  edge_pool = open_pool("edge", (arrowpool_backend)(uintptr_t)*state, EDGE);
  atomic_store(&held, 0);
  atomic_store(&refusals, 0);
  unit_run_threads(THREADS, at_the_edge);
  arrowpool_stats s = stats_of(edge_pool);
  assert_true(atomic_load(&refusals) > 0);
  assert_int_equal(s.num_failed, atomic_load(&refusals));
  assert_int_equal(s.bytes_allocated, 0);
  assert_in_range(s.max_memory, EDGE / 2, EDGE);
  assert_int_equal(pool_headroom_for(edge_pool, 0, EDGE + 1).live, 0);
  uint8_t *all = NULL;
  assert_int_equal(arrowpool_allocate(edge_pool, EDGE, 64, &all), ARROWPOOL_OK);
  arrowpool_free(edge_pool, all, EDGE, 64);
  arrowpool_destroy(edge_pool);
}

/* ---- fork ---- */

static uint8_t *inherited;

static void in_the_child(void) {
  uint8_t *more = NULL;
  CHECK(arrowpool_allocate(edge_pool, 1, 64, &more) == ARROWPOOL_OUT_OF_MEMORY);
  arrowpool_free(edge_pool, inherited, MIB, 64);
  CHECK(arrowpool_allocate(edge_pool, MIB, 64, &more) == ARROWPOOL_OK);
  CHECK(arrowpool_allocate(edge_pool, 1, 64, &inherited) == ARROWPOOL_OUT_OF_MEMORY);
}

TEST(a_child_has_the_limit_and_what_it_inherited_counts) {
  edge_pool = open_pool("fork", ARROWPOOL_BACKEND_JEMALLOC, MIB);
  assert_int_equal(arrowpool_allocate(edge_pool, MIB, 64, &inherited), ARROWPOOL_OK);
  assert_true(unit_in_child(in_the_child));
  arrowpool_free(edge_pool, inherited, MIB, 64);
  arrowpool_destroy(edge_pool);
}

/* ---- over all pools ---- */

static void all_pools_together(void) {
  uint8_t *early = NULL, *a = NULL, *b = NULL, *none = NULL;
  arrowpool_pool *unlimited = NULL, *limited = NULL;
  arrowpool_config config = {.struct_size = sizeof config, .limit_bytes = 50};
  CHECK(arrowpool_allocate(arrowpool_jemalloc(), 300, 64, &early) == ARROWPOOL_OK);
  pool_limit_all(1000, NULL);
  CHECK(arrowpool_create("later", NULL, &unlimited) == ARROWPOOL_OK);
  CHECK(arrowpool_create("later limited", &config, &limited) == ARROWPOOL_OK);
  CHECK(arrowpool_allocate(arrowpool_system(), 500, 64, &a) == ARROWPOOL_OK);
  CHECK(arrowpool_allocate(unlimited, 201, 64, &none) == ARROWPOOL_OUT_OF_MEMORY);
  CHECK(arrowpool_allocate(unlimited, 150, 64, &b) == ARROWPOOL_OK);
  CHECK(arrowpool_allocate(limited, 51, 64, &none) == ARROWPOOL_OUT_OF_MEMORY);
  CHECK(pool_headroom_for(limited, 0, 51).refuses == LIMITS_OF_ALL ||
        pool_headroom_for(limited, 0, 51).most == 50);
  CHECK(arrowpool_allocate(limited, 50, 64, &none) == ARROWPOOL_OK);
  CHECK(arrowpool_reallocate(arrowpool_system(), 500, 501, 64, &a) == ARROWPOOL_OUT_OF_MEMORY);
  arrowpool_free(arrowpool_jemalloc(), early, 300, 64); /* from before there was a limit */
  CHECK(arrowpool_reallocate(arrowpool_system(), 500, 800, 64, &a) == ARROWPOOL_OK);
  CHECK(pool_headroom_for(unlimited, 0, 1).refuses == LIMITS_OF_ALL);
  CHECK(stats_of(unlimited).limit_bytes == ARROWPOOL_UNKNOWN && stats_of(limited).limit_bytes == 50);
}

TEST(a_limit_over_all_counts_every_pool) { assert_true(unit_in_child(all_pools_together)); }

/* Sizes that the backend rounds: charged as they are counted. */
static void remembered_sizes(void) {
  arrowpool_pool *pool = NULL;
  pool_config config = {.backend = &backend_system, .size_source = POOL_SIZE_FROM_BACKEND};
  void *buffers[2000];
  size_t count = 0;
  pool_limit_all(MIB, NULL);
  CHECK(pool_create("rounded", config, &pool) == ARROWPOOL_OK);
  while (count < COUNT_OF(buffers) && pool_allocate(pool, 1001, 64, &buffers[count]) == ARROWPOOL_OK)
    count++;
  arrowpool_stats s = stats_of(pool);
  CHECK(count > 800 && s.bytes_allocated >= (int64_t)count * 1001 && s.max_memory <= MIB);
  CHECK(pool_headroom_for(pool, 0, INT64_MAX).live == s.bytes_allocated);
  CHECK(pool_reallocate(pool, POOL_SIZE_UNKNOWN, MIB, 64, &buffers[0]) == ARROWPOOL_OUT_OF_MEMORY);
  CHECK(pool_reallocate(pool, POOL_SIZE_UNKNOWN, 10, 64, &buffers[0]) == ARROWPOOL_OK);
  while (count)
    pool_free(pool, buffers[--count], POOL_SIZE_UNKNOWN, 64);
  CHECK(pool_headroom_for(pool, 0, INT64_MAX).live == 0);
}

TEST(sizes_that_are_rounded_are_charged_as_they_count) { assert_true(unit_in_child(remembered_sizes)); }

/* ---- what the process may use ---- */

TEST(the_least_limit_of_nested_groups_counts) {
  machine_begin();
  machine_put("/proc/self/cgroup", "0::/a.slice/b.service/c\n");
  machine_put("/proc/self/mountinfo",
              "22 1 0:20 / /proc rw - proc proc rw\n30 22 0:26 / /sys/fs/cgroup rw,nosuid "
              "shared:4 - cgroup2 none rw\n");
  assert_int_equal(memory_available_in_group(machine_root, "self"), INT64_MAX); /* no file says anything */
  machine_put("/sys/fs/cgroup/a.slice/b.service/c/memory.max", "max\n");
  assert_int_equal(memory_available_in_group(machine_root, "self"), INT64_MAX);
  machine_put("/sys/fs/cgroup/a.slice/memory.max", "3000000\n");
  assert_int_equal(memory_available_in_group(machine_root, "self"), 3000000);
  machine_put("/sys/fs/cgroup/a.slice/b.service/memory.max", "2000000\n");
  assert_int_equal(memory_available_in_group(machine_root, "self"), 2000000);
  machine_put("/sys/fs/cgroup/a.slice/b.service/c/memory.max", "5000000\n");
  assert_int_equal(memory_available_in_group(machine_root, "self"), 2000000);
  machine_end();
}

TEST(version_1_counts_as_well_and_the_lower_of_both) {
  machine_begin();
  machine_put("/proc/17/cgroup", "12:cpu,cpuacct:/x\n4:pids,memory:/outer/inner\n0::/two\n");
  machine_put("/proc/17/mountinfo", "30 22 0:26 / /sys/fs/cgroup/cpu rw - cgroup none rw,cpu,cpuacct\n"
                                    "31 22 0:27 / /sys/fs/cgroup/memory rw - cgroup none rw,memory,pids\n"
                                    "32 22 0:28 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n");
  machine_put("/sys/fs/cgroup/memory/outer/inner/memory.limit_in_bytes",
              "9223372036854771712\n"); /* its "none" */
  assert_int_equal(memory_available_in_group(machine_root, "17"), 9223372036854771712);
  machine_put("/sys/fs/cgroup/memory/outer/memory.limit_in_bytes", "700000\n");
  assert_int_equal(memory_available_in_group(machine_root, "17"), 700000);
  machine_put("/sys/fs/cgroup/unified/two/memory.max", "600000\n");
  assert_int_equal(memory_available_in_group(machine_root, "17"), 600000);
  machine_end();
}

/* A container: the mount begins with its own group, by which /proc still calls it; or it has a namespace. */
TEST(a_mount_that_begins_within_is_followed) {
  machine_begin();
  machine_put("/proc/self/cgroup", "4:memory:/docker/0123/job\n");
  machine_put("/proc/self/mountinfo",
              "31 22 0:27 /docker/0123 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  machine_put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "800000\n");
  machine_put("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "900000\n");
  assert_int_equal(memory_available_in_group(machine_root, "self"), 800000);
  machine_put("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "400000\n");
  assert_int_equal(memory_available_in_group(machine_root, "self"), 400000);
  machine_put("/proc/self/cgroup",
              "4:memory:/../elsewhere\n"); /* outside of the namespace: only the mount is ours to see */
  assert_int_equal(memory_available_in_group(machine_root, "self"), 800000);
  machine_end();
}

TEST(nonsense_in_these_files_is_no_limit) {
  machine_begin();
  assert_int_equal(memory_available_in_group(machine_root, "self"), INT64_MAX); /* no /proc at all */
  char longest[9000];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  machine_put("/proc/self/cgroup", longest);
  machine_put("/proc/self/mountinfo", longest);
  assert_int_equal(memory_available_in_group(machine_root, "self"), INT64_MAX);
  machine_put("/proc/self/cgroup", "::\n0:\n\n4:memory\n0::/g\n");
  machine_put("/proc/self/mountinfo", " - \n1 2 3 - cgroup2 x y\n30 22 0:26 / /cg rw - cgroup2 none rw\n");
  machine_put("/cg/g/memory.max", "99999999999999999999999\n");
  assert_int_equal(memory_available_in_group(machine_root, "self"), INT64_MAX);
  machine_put("/cg/g/memory.max", "1234");
  assert_int_equal(memory_available_in_group(machine_root, "self"), 1234);
  machine_end();
}

TEST(the_machine_has_an_end) {
  int64_t available = arrowpool_available_memory();
  assert_true(available > MIB && available < INT64_C(1) << 50);
  assert_true(available <= memory_available_in_group("", "self"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_WITH(a_limit_is_reached_to_the_byte_and_not_exceeded, "jemalloc", ARROWPOOL_BACKEND_JEMALLOC),
      TEST_WITH(a_limit_is_reached_to_the_byte_and_not_exceeded, "system", ARROWPOOL_BACKEND_SYSTEM),
      TEST_WITH(a_refused_growth_leaves_the_buffer_as_it_was, "jemalloc", ARROWPOOL_BACKEND_JEMALLOC),
      TEST_WITH(a_refused_growth_leaves_the_buffer_as_it_was, "system", ARROWPOOL_BACKEND_SYSTEM),
      cmocka_unit_test(what_no_limit_allows_is_said_in_words),
      TEST_WITH(threads_at_the_edge_never_exceed_it, "jemalloc", ARROWPOOL_BACKEND_JEMALLOC),
      TEST_WITH(threads_at_the_edge_never_exceed_it, "system", ARROWPOOL_BACKEND_SYSTEM),
      cmocka_unit_test(a_child_has_the_limit_and_what_it_inherited_counts),
      cmocka_unit_test(a_limit_over_all_counts_every_pool),
      cmocka_unit_test(sizes_that_are_rounded_are_charged_as_they_count),
      cmocka_unit_test(the_least_limit_of_nested_groups_counts),
      cmocka_unit_test(version_1_counts_as_well_and_the_lower_of_both),
      cmocka_unit_test(a_mount_that_begins_within_is_followed),
      cmocka_unit_test(nonsense_in_these_files_is_no_limit),
      cmocka_unit_test(the_machine_has_an_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
