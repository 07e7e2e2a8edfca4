/* The C API's buffers: sizes, alignments, contents, errors. Every test runs on both backends, each with a
 * pool of its own. */
#include "unit.h"

#include "arrowpool.h"

#include <errno.h>
#include <string.h>

#define TOO_MUCH ((int64_t)1 << 46) /* bytes that no machine has, yet a valid size */

static arrowpool_pool *open_pool(void **state) {
  arrowpool_config config = {.struct_size = sizeof config, .backend = (arrowpool_backend)(uintptr_t)*state};
  arrowpool_pool *pool = NULL;
  assert_int_equal(arrowpool_create("buffers", &config, &pool), ARROWPOOL_OK);
  return pool;
}

static arrowpool_stats stats_of(const arrowpool_pool *pool) {
  arrowpool_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(arrowpool_get_stats(pool, &stats), ARROWPOOL_OK);
  return stats;
}

static void close_pool(arrowpool_pool *pool) {
  assert_int_equal(stats_of(pool).bytes_allocated, 0);
  arrowpool_destroy(pool);
}

TEST(size_zero_gives_an_aligned_pointer_and_costs_nothing) {
  arrowpool_pool *pool = open_pool(state);
  arrowpool_stats before = stats_of(pool), after;
  for (int64_t alignment = 1; alignment <= GIB; alignment *= 2) {
    uint8_t *buffer = NULL;
    assert_int_equal(arrowpool_allocate(pool, 0, alignment, &buffer), ARROWPOOL_OK);
    assert_non_null(buffer);
    assert_true(unit_aligned(buffer, alignment));
    arrowpool_free(pool, buffer, 0, alignment);
  }
  after = stats_of(pool);
  assert_memory_equal(&before, &after, sizeof before);
  close_pool(pool);
}

TEST(sizes_that_are_negative_or_overflow_are_invalid) {
  static const int64_t sizes[] = {-1, -64, INT64_MIN, INT64_MAX, INT64_MAX - 63 + 1};
  arrowpool_pool *pool = open_pool(state);
  uint8_t untouched, *buffer = &untouched, *kept;
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    assert_int_equal(arrowpool_allocate(pool, sizes[i], 64, &buffer), ARROWPOOL_INVALID);
    assert_ptr_equal(buffer, &untouched);
  }
  assert_int_equal(arrowpool_allocate(pool, 100, 64, &buffer), ARROWPOOL_OK);
  kept = buffer;
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    assert_int_equal(arrowpool_reallocate(pool, 100, sizes[i], 64, &buffer), ARROWPOOL_INVALID);
    assert_int_equal(arrowpool_reallocate(pool, sizes[i], 100, 64, &buffer), ARROWPOOL_INVALID);
    assert_ptr_equal(buffer, kept);
  }
  arrowpool_free(pool, buffer, 100, 64);
  close_pool(pool);
}

TEST(the_largest_valid_size_is_out_of_memory) {
  static const int64_t sizes[] = {INT64_MAX - 64, INT64_MAX / 2, TOO_MUCH};
  arrowpool_pool *pool = open_pool(state);
  arrowpool_stats before = stats_of(pool);
  uint8_t untouched, *buffer = &untouched;
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    assert_int_equal(arrowpool_allocate(pool, sizes[i], 64, &buffer), ARROWPOOL_OUT_OF_MEMORY);
  assert_int_equal(arrowpool_allocate(pool, 1, (int64_t)1 << 62, &buffer), ARROWPOOL_OUT_OF_MEMORY);
  assert_ptr_equal(buffer, &untouched);
  assert_int_equal(stats_of(pool).num_failed - before.num_failed, 4);
  close_pool(pool);
}

TEST(alignments_that_are_no_power_of_two_are_invalid) {
  static const int64_t alignments[] = {-1, -64, 3, 63, 65, 96, INT64_MIN, INT64_MAX};
  arrowpool_pool *pool = open_pool(state);
  uint8_t untouched, *buffer = &untouched, *kept;
  for (size_t i = 0; i < COUNT_OF(alignments); i++) {
    assert_int_equal(arrowpool_allocate(pool, 100, alignments[i], &buffer), ARROWPOOL_INVALID);
    assert_int_equal(arrowpool_allocate(pool, 0, alignments[i], &buffer), ARROWPOOL_INVALID);
    assert_ptr_equal(buffer, &untouched);
  }
  assert_int_equal(arrowpool_allocate(pool, 100, 64, &buffer), ARROWPOOL_OK);
  kept = buffer;
  for (size_t i = 0; i < COUNT_OF(alignments); i++)
    assert_int_equal(arrowpool_reallocate(pool, 100, 200, alignments[i], &buffer), ARROWPOOL_INVALID);
  assert_ptr_equal(buffer, kept);
  arrowpool_free(pool, buffer, 100, 64);
  close_pool(pool);
}

TEST(an_alignment_of_zero_is_the_default_one) {
  arrowpool_pool *pool = open_pool(state);
  for (int64_t size = 0; size < 100000; size = size * 3 + 1) {
    uint8_t *buffer = NULL;
    assert_int_equal(arrowpool_allocate(pool, size, 0, &buffer), ARROWPOOL_OK);
    assert_true(unit_aligned(buffer, ARROWPOOL_DEFAULT_ALIGNMENT));
    assert_int_equal(arrowpool_reallocate(pool, size, size * 2, 0, &buffer), ARROWPOOL_OK);
    assert_true(unit_aligned(buffer, ARROWPOOL_DEFAULT_ALIGNMENT));
    arrowpool_free(pool, buffer, size * 2, 0);
  }
  close_pool(pool);
}

TEST(buffers_are_aligned_from_one_byte_to_one_gibibyte) {
  static const int64_t sizes[] = {1, 100, 64 * KIB - 1, 64 * KIB, MIB + 1};
  arrowpool_pool *pool = open_pool(state);
  for (int64_t alignment = 1; alignment <= GIB; alignment *= 2)
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
      uint8_t *buffer = NULL;
      assert_int_equal(arrowpool_allocate(pool, sizes[i], alignment, &buffer), ARROWPOOL_OK);
      assert_true(unit_aligned(buffer, alignment));
      unit_write(buffer, sizes[i], (uint64_t)alignment);
      assert_true(unit_matches(buffer, sizes[i], sizes[i], (uint64_t)alignment));
      arrowpool_free(pool, buffer, sizes[i], alignment);
    }
  close_pool(pool);
}

TEST(reallocate_keeps_contents_and_alignment) {
  static const int64_t steps[] = {1,
                                  64,
                                  100,
                                  4096,
                                  64 * KIB - 1,
                                  64 * KIB,
                                  MIB,
                                  9 * MIB,
                                  40 * MIB,
                                  40 * MIB,
                                  5 * MIB + 17,
                                  64 * KIB,
                                  64 * KIB - 1,
                                  300,
                                  64,
                                  1,
                                  0,
                                  5000,
                                  0,
                                  2 * MIB,
                                  0,
                                  0,
                                  130 * KIB,
                                  131 * KIB,
                                  20,
                                  20 * MIB,
                                  12};
  static const int64_t alignments[] = {1, 64, 4096, 2 * MIB};
  arrowpool_pool *pool = open_pool(state);
  for (size_t a = 0; a < COUNT_OF(alignments); a++) {
    int64_t size = 0, alignment = alignments[a];
    uint8_t *buffer = NULL;
    assert_int_equal(arrowpool_allocate(pool, size, alignment, &buffer), ARROWPOOL_OK);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
      unit_write(buffer, size, a);
      assert_int_equal(arrowpool_reallocate(pool, size, steps[i], alignment, &buffer), ARROWPOOL_OK);
      assert_non_null(buffer);
      assert_true(unit_aligned(buffer, alignment));
      assert_true(unit_matches(buffer, size, steps[i], a));
      size = steps[i];
      assert_int_equal(stats_of(pool).bytes_allocated, size);
    }
    arrowpool_free(pool, buffer, size, alignment);
  }
  close_pool(pool);
}

TEST(failed_reallocate_leaves_the_buffer_as_it_was) {
  static const int64_t sizes[] = {1, 100, 60 * KIB, 100 * KIB, 3 * MIB};
  arrowpool_pool *pool = open_pool(state);
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    uint8_t *buffer = NULL, *kept;
    assert_int_equal(arrowpool_allocate(pool, sizes[i], 64, &buffer), ARROWPOOL_OK);
    unit_write(buffer, sizes[i], i);
    kept = buffer;
    arrowpool_stats before = stats_of(pool), after;
    assert_int_equal(arrowpool_reallocate(pool, sizes[i], TOO_MUCH, 64, &buffer), ARROWPOOL_OUT_OF_MEMORY);
    assert_ptr_equal(buffer, kept);
    assert_true(unit_matches(buffer, sizes[i], sizes[i], i));
    before.num_failed++;
    after = stats_of(pool);
    assert_memory_equal(&before, &after, sizeof before);
    /* and it is as good as before */
    assert_int_equal(arrowpool_reallocate(pool, sizes[i], sizes[i] + 1, 64, &buffer), ARROWPOOL_OK);
    assert_true(unit_matches(buffer, sizes[i], sizes[i], i));
    arrowpool_free(pool, buffer, sizes[i] + 1, 64);
  }
  close_pool(pool);
}

TEST(errno_is_kept_by_what_succeeds) {
  static const int64_t sizes[] = {1, 5000, 100 * KIB, 40 * MIB};
  arrowpool_pool *pool = open_pool(state);
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    uint8_t *buffer = NULL;
    errno = EDOM;
    assert_int_equal(arrowpool_allocate(pool, sizes[i], 64, &buffer), ARROWPOOL_OK);
    assert_int_equal(errno, EDOM);
    assert_int_equal(arrowpool_reallocate(pool, sizes[i], sizes[i] * 2, 64, &buffer), ARROWPOOL_OK);
    assert_int_equal(errno, EDOM);
    arrowpool_free(pool, buffer, sizes[i] * 2, 64);
    assert_int_equal(errno, EDOM);
    arrowpool_release_unused(pool);
  }
  close_pool(pool);
}

TEST(nulls_are_invalid_or_ignored) {
  arrowpool_pool *pool = open_pool(state);
  arrowpool_stats before = stats_of(pool), after;
  uint8_t untouched, *buffer = &untouched, *none = NULL;
  assert_int_equal(arrowpool_allocate(NULL, 100, 64, &buffer), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_allocate(pool, 100, 64, NULL), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_reallocate(NULL, 100, 200, 64, &buffer), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_reallocate(pool, 100, 200, 64, NULL), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_reallocate(pool, 100, 200, 64, &none), ARROWPOOL_INVALID);
  assert_null(none);
  assert_ptr_equal(buffer, &untouched);
  arrowpool_free(pool, NULL, 100, 64);
  arrowpool_free(NULL, &untouched, 100, 64);
  arrowpool_release_unused(NULL);
  arrowpool_destroy(NULL);
  assert_int_equal(arrowpool_get_stats(pool, NULL), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_get_stats(NULL, &before), ARROWPOOL_INVALID);
  assert_string_equal(arrowpool_name(NULL), "");
  after = stats_of(pool);
  assert_memory_equal(&before, &after, sizeof before);
  close_pool(pool);
}

TEST(released_memory_can_be_had_again) {
  arrowpool_pool *pool = open_pool(state);
  for (int round = 0; round < 4; round++) {
    uint8_t *buffers[200];
    for (size_t i = 0; i < COUNT_OF(buffers); i++) {
      assert_int_equal(arrowpool_allocate(pool, (int64_t)i * 997 + 1, 64, &buffers[i]), ARROWPOOL_OK);
      unit_write(buffers[i], (int64_t)i * 997 + 1, i);
    }
    arrowpool_release_unused(pool);
    for (size_t i = 0; i < COUNT_OF(buffers); i++) {
      assert_true(unit_matches(buffers[i], (int64_t)i * 997 + 1, INT64_MAX, i));
      arrowpool_free(pool, buffers[i], (int64_t)i * 997 + 1, 64);
    }
    arrowpool_release_unused(pool);
  }
  close_pool(pool);
}

TEST(statuses_and_the_version_are_text) {
  for (int status = ARROWPOOL_OK; status <= ARROWPOOL_EXISTS; status++)
    assert_true(strlen(arrowpool_status_message((arrowpool_status)status)) > 0);
  assert_string_equal(arrowpool_status_message((arrowpool_status)99), "unknown status");
  assert_string_equal(arrowpool_status_message((arrowpool_status)-1), "unknown status");
  assert_string_equal(arrowpool_version(), ARROWPOOL_VERSION);
}

#define ON_BOTH(test)                                                                                        \
  TEST_WITH(test, "jemalloc", ARROWPOOL_BACKEND_JEMALLOC), TEST_WITH(test, "system", ARROWPOOL_BACKEND_SYSTEM)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BOTH(size_zero_gives_an_aligned_pointer_and_costs_nothing),
      ON_BOTH(sizes_that_are_negative_or_overflow_are_invalid),
      ON_BOTH(the_largest_valid_size_is_out_of_memory),
      ON_BOTH(alignments_that_are_no_power_of_two_are_invalid),
      ON_BOTH(an_alignment_of_zero_is_the_default_one),
      ON_BOTH(buffers_are_aligned_from_one_byte_to_one_gibibyte),
      ON_BOTH(reallocate_keeps_contents_and_alignment),
      ON_BOTH(failed_reallocate_leaves_the_buffer_as_it_was),
      ON_BOTH(errno_is_kept_by_what_succeeds),
      ON_BOTH(nulls_are_invalid_or_ignored),
      ON_BOTH(released_memory_can_be_had_again),
      cmocka_unit_test(statuses_and_the_version_are_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
