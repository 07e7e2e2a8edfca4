/* The guard (guard.h): what is found and what is told, in each mode; that it tells nothing of programs that
 * do nothing wrong; and its table. All pools of this process are guarded; what is told is caught here. */
#include "unit.h"

#include "pool/guard.h"
#include "pool/pool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char told[8][512]; /* the latest, from the first on */
static _Atomic int told_count;

static void catch_line(const char *line) {
  int index = told_count++;
  if (index < (int)COUNT_OF(told))
    snprintf(told[index], sizeof told[index], "%s", line);
}

static int forget(void **state) {
  (void)state;
  told_count = 0;
  return 0;
}

/* What was told since, which must be this: "debug: pool POOL: buffer ADDRESS WHAT". */
static void assert_told(const char *pool, const void *buffer, const char *what) {
  char expected[512];
  snprintf(expected, sizeof expected, "debug: pool %s: buffer %p%s", pool, buffer, what);
  assert_int_equal(told_count, 1);
  assert_string_equal(told[0], expected);
  told_count = 0;
}

static arrowpool_pool *open_pool(const char *name, void **state) {
  arrowpool_config config = {.struct_size = sizeof config, .backend = (arrowpool_backend)(uintptr_t)*state};
  arrowpool_pool *pool = NULL;
  assert_int_equal(arrowpool_create(name, &config, &pool), ARROWPOOL_OK);
  return pool;
}

static arrowpool_stats stats_of(const arrowpool_pool *pool) {
  arrowpool_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(arrowpool_get_stats(pool, &stats), ARROWPOOL_OK);
  return stats;
}

/* Nothing is live in it, so it was counted right. */
static void close_pool(arrowpool_pool *pool) {
  assert_int_equal(stats_of(pool).bytes_allocated, 0);
  assert_int_equal(told_count, 0);
  arrowpool_destroy(pool);
}

static uint8_t *allocate(arrowpool_pool *pool, int64_t size, int64_t alignment) {
  uint8_t *buffer = NULL;
  assert_int_equal(arrowpool_allocate(pool, size, alignment, &buffer), ARROWPOOL_OK);
  assert_true(unit_aligned(buffer, alignment));
  return buffer;
}

static const int64_t sizes[] = {1, 63, 64, 1000, 65536 - 64, 65536, 1000000, 20 * MIB};

/* ---- overruns ---- */

TEST(each_byte_behind_the_end_is_found_when_the_buffer_is_freed) {
  arrowpool_pool *pool = open_pool("a", state);
  char what[200];
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    for (int64_t behind = 0; behind < GUARD_SIZE; behind++) {
      uint8_t *buffer = allocate(pool, sizes[i], 64);
      buffer[sizes[i] + behind] ^= 1;
      arrowpool_free(pool, buffer, sizes[i], 64);
      snprintf(
          what, sizeof what,
          " of %jd byte%s, alignment 64: 1 byte behind its end was overwritten (offset %jd), found at free",
          (intmax_t)sizes[i], sizes[i] == 1 ? "" : "s", (intmax_t)(sizes[i] + behind));
      assert_told("c:a", buffer, what);
    }
  close_pool(pool);
}

TEST(an_overrun_by_zeros_or_ones_is_found_in_full) {
  arrowpool_pool *pool = open_pool("a", state);
  for (int value = 0; value < 256; value += 255) {
    uint8_t *buffer = allocate(pool, 1000, 256);
    memset(buffer, value, 1000 + 40);
    arrowpool_free(pool, buffer, 1000, 256);
    assert_told(
        "c:a", buffer,
        " of 1000 bytes, alignment 256: 40 bytes behind its end were overwritten (offset 1000), found at "
        "free");
  }
  close_pool(pool);
}

TEST(an_overrun_is_found_when_the_buffer_is_resized_and_not_again) {
  arrowpool_pool *pool = open_pool("a", state);
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
      uint8_t *buffer = allocate(pool, sizes[i], 64), *before = buffer;
      char what[200];
      unit_write(buffer, sizes[i], i);
      buffer[sizes[i]] ^= 0x80;
      assert_int_equal(arrowpool_reallocate(pool, sizes[i], sizes[k], 64, &buffer), ARROWPOOL_OK);
      snprintf(what, sizeof what,
               " of %jd byte%s, alignment 64: 1 byte behind its end was overwritten (offset %jd), found at "
               "reallocate",
               (intmax_t)sizes[i], sizes[i] == 1 ? "" : "s", (intmax_t)sizes[i]);
      assert_told("c:a", before, what);
      assert_true(unit_matches(buffer, sizes[i], sizes[k], i));
      arrowpool_free(pool, buffer, sizes[k], 64);
    }
  close_pool(pool);
}

TEST(an_overrun_of_a_live_buffer_is_found_by_a_check_of_all_and_told_once) {
  arrowpool_pool *pool = open_pool("a", state);
  uint8_t *buffers[100];
  for (size_t i = 0; i < COUNT_OF(buffers); i++)
    buffers[i] = allocate(pool, 500, 64);
  guard_check_live();
  assert_int_equal(told_count, 0);
  buffers[70][502] = 0;
  guard_check_live();
  assert_told(
      "c:a", buffers[70],
      " of 500 bytes, alignment 64: 1 byte behind its end was overwritten (offset 502), found at exit");
  guard_check_live();
  for (size_t i = 0; i < COUNT_OF(buffers); i++)
    arrowpool_free(pool, buffers[i], 500, 64);
  close_pool(pool);
}

/* ---- frees ---- */

TEST(a_buffer_freed_twice_is_told_and_freed_once) {
  arrowpool_pool *pool = open_pool("a", state);
  uint8_t *buffer = allocate(pool, 1000, 64);
  arrowpool_free(pool, buffer, 1000, 64);
  int64_t frees = stats_of(pool).num_frees;
  arrowpool_free(pool, buffer, 1000, 64);
  assert_told("c:a", buffer, " of 1000 bytes, alignment 64: freed already, found at free");
  assert_int_equal(stats_of(pool).num_frees, frees);
  close_pool(pool);
}

TEST(the_old_address_of_a_buffer_that_moved_is_as_good_as_freed) {
  arrowpool_pool *pool = open_pool("a", state);
  uint8_t *buffer = allocate(pool, 100, 64), *before = buffer;
  assert_int_equal(arrowpool_reallocate(pool, 100, 5000, 64, &buffer), ARROWPOOL_OK);
  if (buffer == before)
    SKIP("the allocator grew the buffer in place");
  arrowpool_free(pool, before, 100, 64);
  assert_told("c:a", before, " of 100 bytes, alignment 64: freed already, found at free");
  arrowpool_free(pool, buffer, 5000, 64);
  close_pool(pool);
}

TEST(a_freed_buffer_that_is_resized_becomes_a_new_one) {
  arrowpool_pool *pool = open_pool("a", state);
  uint8_t *buffer = allocate(pool, 1000, 64), *before = buffer;
  arrowpool_free(pool, buffer, 1000, 64);
  assert_int_equal(arrowpool_reallocate(pool, 1000, 3000, 64, &buffer), ARROWPOOL_OK);
  assert_told("c:a", before, " of 1000 bytes, alignment 64: freed already, found at reallocate");
  for (int i = 0; i < 3000; i++)
    assert_int_equal(buffer[i], 0);
  arrowpool_free(pool, buffer, 3000, 64);
  close_pool(pool);
}

TEST(a_wrong_size_or_alignment_is_told_and_the_true_one_used) {
  arrowpool_pool *pool = open_pool("a", state);
  static const int64_t wrong[] = {999, 1, 0, 70000, INT64_MAX / 2};
  char what[200];
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    uint8_t *buffer = allocate(pool, 1000, 64), *before;
    snprintf(what, sizeof what, " of 1000 bytes, alignment 64: the caller said %jd byte%s, found at free",
             (intmax_t)wrong[i], wrong[i] == 1 ? "" : "s");
    arrowpool_free(pool, buffer, wrong[i], 64);
    assert_told("c:a", buffer, what);
    buffer = before = allocate(pool, 1000, 64);
    unit_write(buffer, 1000, i);
    assert_int_equal(arrowpool_reallocate(pool, wrong[i], 2000, 64, &buffer), ARROWPOOL_OK);
    snprintf(what, sizeof what,
             " of 1000 bytes, alignment 64: the caller said %jd byte%s, found at reallocate",
             (intmax_t)wrong[i], wrong[i] == 1 ? "" : "s");
    assert_told("c:a", before, what);
    assert_true(unit_matches(buffer, 1000, 1000, i));
    arrowpool_free(pool, buffer, 2000, 4096);
    assert_told("c:a", buffer, " of 2000 bytes, alignment 64: the caller said alignment 4096, found at free");
  }
  close_pool(pool);
}

TEST(the_buffer_of_another_pool_is_told_and_stays) {
  arrowpool_pool *pool = open_pool("a", state), *other = open_pool("b", state);
  uint8_t *buffer = allocate(pool, 1000, 64), *taken = buffer;
  unit_write(buffer, 1000, 7);
  arrowpool_free(other, buffer, 1000, 64);
  assert_told("c:b", buffer, " of 1000 bytes, alignment 64: it belongs to pool c:a, found at free");
  assert_int_equal(arrowpool_reallocate(other, 1000, 1500, 64, &taken), ARROWPOOL_OK);
  assert_told("c:b", buffer, " of 1000 bytes, alignment 64: it belongs to pool c:a, found at reallocate");
  assert_ptr_not_equal(taken, buffer);
  assert_true(unit_matches(taken, 1000, 1000, 7) && unit_matches(buffer, 1000, 1000, 7));
  arrowpool_free(other, taken, 1500, 64);
  arrowpool_free(pool, buffer, 1000, 64);
  close_pool(other);
  close_pool(pool);
}

TEST(what_no_pool_handed_out_is_told_and_left_alone) {
  arrowpool_pool *pool = open_pool("a", state);
  static uint8_t strange[4096];
  uint8_t *buffer = allocate(pool, 1000, 64), *resized = strange;
  memset(strange, 5, sizeof strange);
  arrowpool_free(pool, strange, 100, 64);
  assert_told("c:a", strange, ": no pool handed it out (told as 100 bytes, alignment 64), found at free");
  arrowpool_free(pool, buffer + 64, 936, 64);
  assert_told("c:a", buffer + 64, ": no pool handed it out (told as 936 bytes, alignment 64), found at free");
  assert_int_equal(arrowpool_reallocate(pool, 100, 200, 64, &resized), ARROWPOOL_OK);
  assert_told("c:a", strange,
              ": no pool handed it out (told as 100 bytes, alignment 64), found at reallocate");
  assert_ptr_not_equal(resized, strange);
  arrowpool_free(pool, resized, 200, 64);
  for (size_t i = 0; i < sizeof strange; i++)
    assert_int_equal(strange[i], 5);
  arrowpool_free(pool, buffer, 1000, 64);
  close_pool(pool);
}

/* ---- nothing to tell ---- */

TEST(buffers_of_no_bytes_are_nothing_to_tell) {
  arrowpool_pool *pool = open_pool("a", state);
  uint8_t *buffer = allocate(pool, 0, 64);
  arrowpool_free(pool, buffer, 0, 64);
  arrowpool_free(pool, buffer, 0, 64);
  arrowpool_free(pool, NULL, 100, 64);
  assert_int_equal(arrowpool_reallocate(pool, 0, 100, 64, &buffer), ARROWPOOL_OK);
  assert_int_equal(arrowpool_reallocate(pool, 100, 0, 64, &buffer), ARROWPOOL_OK);
  arrowpool_free(pool, buffer, 0, 64);
  close_pool(pool);
}

TEST(a_buffer_looks_as_large_as_was_asked_for) {
  arrowpool_pool *pool = open_pool("a", state);
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    uint8_t *buffer = allocate(pool, sizes[i], 4096);
    const backend *b = pool_get_config(pool)->backend;
    assert_int_equal(b->usable_size(buffer), sizes[i]);
    assert_int_equal(b->alignment(buffer), 4096);
    assert_int_equal(stats_of(pool).bytes_allocated, sizes[i]);
    arrowpool_free(pool, buffer, sizes[i], 4096);
  }
  close_pool(pool);
}

TEST(a_resize_that_fails_leaves_the_buffer_known) {
  arrowpool_pool *pool = open_pool("a", state);
  uint8_t *buffer = allocate(pool, 1000, 64), *before = buffer;
  assert_int_equal(arrowpool_reallocate(pool, 1000, (int64_t)1 << 46, 64, &buffer), ARROWPOOL_OUT_OF_MEMORY);
  assert_ptr_equal(buffer, before);
  arrowpool_free(pool, buffer, 1000, 64);
  close_pool(pool);
}

/* ---- modes ---- */

static arrowpool_pool *pool_of_child;
static uint8_t *buffer_of_child;

/* How a child ends that frees a buffer twice. */
static int status_of_double_free(arrowpool_debug mode, void (*on_trap)(int)) {
  int status;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    guard_mode = mode;
    signal(SIGABRT, SIG_DFL);
    signal(SIGTRAP, on_trap);
    arrowpool_free(pool_of_child, buffer_of_child, 100, 64);
    arrowpool_free(pool_of_child, buffer_of_child, 100, 64);
    _exit(told_count);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void go_on(int number) { (void)number; }

TEST(a_finding_warns_traps_or_aborts) {
  pool_of_child = open_pool("a", state);
  buffer_of_child = allocate(pool_of_child, 100, 64);
  int status = status_of_double_free(ARROWPOOL_DEBUG_WARN, SIG_DFL);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  status = status_of_double_free(ARROWPOOL_DEBUG_TRAP, SIG_DFL);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
  status = status_of_double_free(ARROWPOOL_DEBUG_TRAP, go_on);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  status = status_of_double_free(ARROWPOOL_DEBUG_ABORT, SIG_DFL);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  arrowpool_free(pool_of_child, buffer_of_child, 100, 64);
  close_pool(pool_of_child);
}

TEST(the_mode_is_set_once) {
  assert_int_equal(arrowpool_set_debug(ARROWPOOL_DEBUG_WARN), ARROWPOOL_OK);
  assert_int_equal(arrowpool_set_debug(ARROWPOOL_DEBUG_OFF), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_set_debug(ARROWPOOL_DEBUG_ABORT), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_set_debug((arrowpool_debug)4), ARROWPOOL_INVALID);
}

#define TEST_BOTH(name)                                                                                      \
  {#name " (jemalloc)", name, forget, NULL, (void *)(uintptr_t)ARROWPOOL_BACKEND_JEMALLOC}, {                \
#name " (system)", name, forget, NULL, (void *)(uintptr_t)ARROWPOOL_BACKEND_SYSTEM                       \
  }

int main(void) {
  if (!pool_set_debug(ARROWPOOL_DEBUG_WARN, catch_line))
    return 1;
  const struct CMUnitTest tests[] = {
      TEST_BOTH(each_byte_behind_the_end_is_found_when_the_buffer_is_freed),
      TEST_BOTH(an_overrun_by_zeros_or_ones_is_found_in_full),
      TEST_BOTH(an_overrun_is_found_when_the_buffer_is_resized_and_not_again),
      TEST_BOTH(an_overrun_of_a_live_buffer_is_found_by_a_check_of_all_and_told_once),
      TEST_BOTH(a_buffer_freed_twice_is_told_and_freed_once),
      TEST_BOTH(the_old_address_of_a_buffer_that_moved_is_as_good_as_freed),
      TEST_BOTH(a_freed_buffer_that_is_resized_becomes_a_new_one),
      TEST_BOTH(a_wrong_size_or_alignment_is_told_and_the_true_one_used),
      TEST_BOTH(the_buffer_of_another_pool_is_told_and_stays),
      TEST_BOTH(what_no_pool_handed_out_is_told_and_left_alone),
      TEST_BOTH(buffers_of_no_bytes_are_nothing_to_tell),
      TEST_BOTH(a_buffer_looks_as_large_as_was_asked_for),
      TEST_BOTH(a_resize_that_fails_leaves_the_buffer_known),
      TEST_BOTH(a_finding_warns_traps_or_aborts),
      cmocka_unit_test(the_mode_is_set_once),
  };
  return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
