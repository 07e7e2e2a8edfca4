/* A pool's statistics, field by field, as arrowpool.h documents them; and those of pools whose callers do
 * not tell the size again (pool.h). */
#include "unit.h"

#include "pool/pool.h"

#include <string.h>

static arrowpool_stats stats_of(const arrowpool_pool *pool) {
  arrowpool_stats stats = {.struct_size = sizeof stats};
  assert_int_equal(arrowpool_get_stats(pool, &stats), ARROWPOOL_OK);
  return stats;
}

/* A pool of a name that no test had before: totals outlive a pool. */
static arrowpool_pool *open_pool(void **state, const char *name) {
  arrowpool_config config = {.struct_size = sizeof config, .backend = (arrowpool_backend)(uintptr_t)*state};
  char full_name[ARROWPOOL_NAME_MAX + 1];
  arrowpool_pool *pool = NULL;
  strcpy(full_name, name);
  strcat(full_name, config.backend == ARROWPOOL_BACKEND_SYSTEM ? " system" : " jemalloc");
  assert_int_equal(arrowpool_create(full_name, &config, &pool), ARROWPOOL_OK);
  return pool;
}

static uint8_t *allocate(arrowpool_pool *pool, int64_t size) {
  uint8_t *buffer = NULL;
  assert_int_equal(arrowpool_allocate(pool, size, 64, &buffer), ARROWPOOL_OK);
  return buffer;
}

static void resize(arrowpool_pool *pool, int64_t from, int64_t to, uint8_t **buffer) {
  assert_int_equal(arrowpool_reallocate(pool, from, to, 64, buffer), ARROWPOOL_OK);
}

static void sums_fit(const arrowpool_stats *s) {
  int64_t in_buckets = 0;
  for (int i = 0; i < ARROWPOOL_HISTOGRAM_BUCKETS; i++)
    in_buckets += s->size_histogram[i];
  assert_int_equal(in_buckets, s->num_allocations);
  assert_int_equal(s->reallocs_in_place + s->reallocs_remapped + s->reallocs_copied, s->num_reallocations);
}

TEST(every_field_counts_what_it_says) {
  arrowpool_pool *pool = open_pool(state, "fields");
  arrowpool_stats s = stats_of(pool), zero = {.struct_size = sizeof zero, .limit_bytes = ARROWPOOL_UNKNOWN};
  assert_memory_equal(&s, &zero, sizeof zero);

  uint8_t *a = allocate(pool, 1000), *b = allocate(pool, 3000);
  s = stats_of(pool);
  assert_int_equal(s.bytes_allocated, 4000);
  assert_int_equal(s.max_memory, 4000);
  assert_int_equal(s.total_bytes_allocated, 4000);
  assert_int_equal(s.num_allocations, 2);

  resize(pool, 1000, 200000, &a); /* growing is an allocation, too */
  resize(pool, 3000, 2900, &b);   /* shrinking is none */
  resize(pool, 2900, 2900, &b);   /* nor is staying */
  s = stats_of(pool);
  assert_int_equal(s.bytes_allocated, 202900);
  assert_int_equal(s.max_memory, 203000);
  assert_int_equal(s.total_bytes_allocated, 4000 + 199000);
  assert_int_equal(s.num_allocations, 3);
  assert_int_equal(s.num_reallocations, 3);
  assert_int_equal(s.num_frees, 0);
  /* what was kept stayed, was remapped, or was copied */
  assert_int_equal(s.bytes_grown_in_place + s.bytes_remapped + s.bytes_copied, 1000 + 2900 + 2900);

  arrowpool_free(pool, a, 200000, 64);
  arrowpool_free(pool, b, 2900, 64);
  s = stats_of(pool);
  assert_int_equal(s.bytes_allocated, 0);
  assert_int_equal(s.max_memory, 203000);
  assert_int_equal(s.num_frees, 2);
  assert_int_equal(s.num_failed, 0);
  assert_int_equal(s.num_fallbacks, 0);
  assert_int_equal(s.inherited_bytes, 0);
  sums_fit(&s);
  arrowpool_destroy(pool);
}

TEST(reallocating_through_zero_frees_and_allocates) {
  arrowpool_pool *pool = open_pool(state, "zero");
  uint8_t *buffer = allocate(pool, 0);
  resize(pool, 0, 700, &buffer);
  resize(pool, 700, 0, &buffer);
  resize(pool, 0, 0, &buffer);
  arrowpool_free(pool, buffer, 0, 64);
  arrowpool_stats s = stats_of(pool);
  assert_int_equal(s.num_allocations, 1);
  assert_int_equal(s.num_frees, 1);
  assert_int_equal(s.num_reallocations, 0);
  assert_int_equal(s.total_bytes_allocated, 700);
  assert_int_equal(s.bytes_allocated, 0);
  sums_fit(&s);
  arrowpool_destroy(pool);
}

TEST(the_histogram_has_a_bucket_for_each_power_of_two) {
  arrowpool_pool *pool = open_pool(state, "histogram");
  for (int bucket = 0; bucket <= 24; bucket++) {
    int64_t first = INT64_C(1) << bucket, last = 2 * first - 1;
    arrowpool_free(pool, allocate(pool, first), first, 64);
    arrowpool_free(pool, allocate(pool, last), last, 64);
  }
  uint8_t *buffer = allocate(pool, 10);
  resize(pool, 10, 5000, &buffer); /* by its new size */
  resize(pool, 5000, 40, &buffer);
  arrowpool_free(pool, buffer, 40, 64);
  arrowpool_stats s = stats_of(pool);
  for (int bucket = 0; bucket < ARROWPOOL_HISTOGRAM_BUCKETS; bucket++)
    assert_int_equal(s.size_histogram[bucket], (bucket <= 24 ? 2 : 0) + (bucket == 3) + (bucket == 12));
  sums_fit(&s);
  arrowpool_destroy(pool);
}

TEST(how_a_growth_was_served_shows_in_the_pointer) {
  arrowpool_pool *pool = open_pool(state, "served");
  int64_t in_place = 0, moved = 0, size = 100;
  uint8_t *buffer = allocate(pool, size);
  for (; size < 30 * MIB; size = size * 5 / 4) {
    uint8_t *before = buffer;
    resize(pool, size, size * 5 / 4, &buffer);
    *(buffer == before ? &in_place : &moved) += 1;
  }
  arrowpool_stats s = stats_of(pool);
  if ((uintptr_t)*state == ARROWPOOL_BACKEND_SYSTEM) { /* which may copy back to the same place */
    assert_true(s.reallocs_in_place <= in_place && s.reallocs_copied >= moved);
  } else {
    assert_int_equal(s.reallocs_in_place, in_place);
    assert_int_equal(s.reallocs_remapped + s.reallocs_copied, moved);
  }
  arrowpool_free(pool, buffer, size, 64);
  arrowpool_destroy(pool);
}

TEST(large_buffers_grow_in_place_on_jemalloc) {
  arrowpool_pool *pool = NULL;
  arrowpool_config config = {.struct_size = sizeof config, .backend = ARROWPOOL_BACKEND_JEMALLOC};
  assert_int_equal(arrowpool_create("in place", &config, &pool), ARROWPOOL_OK);
  uint8_t *buffer = allocate(pool, 40 * MIB), *first = buffer; /* 512 MiB of addresses */
  for (int64_t size = 40 * MIB; size < 100 * MIB; size += MIB)
    resize(pool, size, size + MIB, &buffer);
  assert_ptr_equal(buffer, first);
  resize(pool, 100 * MIB, 40 * MIB, &buffer);
  assert_ptr_equal(buffer, first);
  arrowpool_stats s = stats_of(pool);
  assert_int_equal(s.reallocs_in_place, s.num_reallocations);
  assert_int_equal(s.bytes_copied, 0);
  arrowpool_free(pool, buffer, 40 * MIB, 64);
  arrowpool_destroy(pool);
}

TEST(a_short_struct_gets_the_fields_that_fit) {
  arrowpool_pool *pool = open_pool(state, "short");
  uint8_t *buffer = allocate(pool, 640);
  arrowpool_stats s;
  for (size_t size = 0; size < offsetof(arrowpool_stats, max_memory); size++) {
    memset(&s, 0x55, sizeof s);
    s.struct_size = size;
    assert_int_equal(arrowpool_get_stats(pool, &s), ARROWPOOL_INVALID);
    assert_int_equal(s.bytes_allocated, 0x5555555555555555);
  }
  s.struct_size = offsetof(arrowpool_stats, num_allocations);
  assert_int_equal(arrowpool_get_stats(pool, &s), ARROWPOOL_OK);
  assert_int_equal(s.struct_size, offsetof(arrowpool_stats, num_allocations));
  assert_int_equal(s.bytes_allocated, 640);
  assert_int_equal(s.total_bytes_allocated, 640);
  assert_int_equal(s.num_allocations, 0x5555555555555555);
  assert_int_equal(s.size_histogram[0], 0x5555555555555555);
  /* of a later version, which knows more */
  struct {
    arrowpool_stats stats;
    int64_t later;
  } longer = {{.struct_size = sizeof longer}, 77};
  assert_int_equal(arrowpool_get_stats(pool, &longer.stats), ARROWPOOL_OK);
  assert_int_equal(longer.stats.num_allocations, 1);
  assert_int_equal(longer.later, 77);
  arrowpool_free(pool, buffer, 640, 64);
  arrowpool_destroy(pool);
}

TEST(pools_do_not_see_each_other) {
  arrowpool_pool *one = open_pool(state, "one"), *two = open_pool(state, "two");
  arrowpool_stats before = stats_of(two), after;
  arrowpool_free(one, allocate(one, 12345), 12345, 64);
  after = stats_of(two);
  assert_memory_equal(&before, &after, sizeof before);
  arrowpool_destroy(one);
  arrowpool_destroy(two);
}

/* The pool's view as reports get it; false if it was never used. */
static bool view_of(const char *name, pool_view *out) {
  for (unsigned i = 0; i < POOL_COUNT; i++)
    if (pool_view_at(i, out) && strcmp(out->name, name) == 0)
      return true;
  return false;
}

/* ---- pools that remember ---- */

TEST(a_pool_that_remembers_counts_what_was_asked_for) {
  pool_config config = {
      .backend = &backend_jemalloc, .size_source = POOL_SIZE_FROM_BACKEND, .frees = POOL_ALL_FREES_PASS};
  arrowpool_pool *pool;
  assert_int_equal(pool_create("remembers", config, &pool), ARROWPOOL_OK);
  static const int64_t sizes[] = {1, 65, 1000, 14337, 64 * KIB - 1, 64 * KIB, 200 * KIB + 3, 5 * MIB + 1};
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
      void *buffer;
      assert_int_equal(pool_allocate(pool, sizes[i], 64, &buffer), ARROWPOOL_OK);
      assert_int_equal(stats_of(pool).bytes_allocated, sizes[i]);
      unit_write(buffer, sizes[i], i);
      assert_int_equal(pool_reallocate(pool, POOL_SIZE_UNKNOWN, sizes[k], 0, &buffer), ARROWPOOL_OK);
      assert_int_equal(stats_of(pool).bytes_allocated, sizes[k]);
      assert_true(unit_matches(buffer, sizes[i], sizes[k], i));
      pool_free(pool, buffer, POOL_SIZE_UNKNOWN, 1);
      assert_int_equal(stats_of(pool).bytes_allocated, 0);
    }
  arrowpool_stats s = stats_of(pool);
  assert_int_equal(s.num_frees, COUNT_OF(sizes) * COUNT_OF(sizes));
  sums_fit(&s);
  pool_destroy(pool);
}

TEST(reallocating_without_an_alignment_keeps_the_first_one) {
  pool_config config = {
      .backend = &backend_jemalloc, .size_source = POOL_SIZE_FROM_BACKEND, .frees = POOL_ALL_FREES_PASS};
  arrowpool_pool *pool;
  assert_int_equal(pool_create("aligned", config, &pool), ARROWPOOL_OK);
  for (int64_t alignment = 64; alignment <= 4 * MIB; alignment *= 2) {
    static const int64_t steps[] = {100, 5000, 100 * KIB, 9 * MIB, 300 * KIB, 40 * MIB, 70};
    void *buffer;
    assert_int_equal(pool_allocate(pool, 10, alignment, &buffer), ARROWPOOL_OK);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
      assert_int_equal(pool_reallocate(pool, POOL_SIZE_UNKNOWN, steps[i], 0, &buffer), ARROWPOOL_OK);
      assert_true(unit_aligned(buffer, alignment));
    }
    pool_free(pool, buffer, POOL_SIZE_UNKNOWN, 1);
  }
  assert_int_equal(stats_of(pool).bytes_allocated, 0);
  pool_destroy(pool);
}

TEST(what_a_pool_cannot_see_is_unknown) {
  pool_config config = {
      .backend = &backend_system, .size_source = POOL_SIZE_FROM_CALLER, .frees = POOL_OWN_FREES_PASS};
  arrowpool_pool *pool;
  assert_int_equal(pool_create("blind", config, &pool), ARROWPOOL_OK);
  pool_view view;
  assert_false(view_of("blind", &view));
  pool_note_allocated(pool, 1000);
  pool_note_allocated(pool, 0);
  pool_note_failed(pool);
  assert_true(view_of("blind", &view));
  assert_true(view.counts_requested);
  assert_string_equal(view.backend, "system");
  arrowpool_stats s = stats_of(pool);
  assert_int_equal(s.num_allocations, 2);
  assert_int_equal(s.num_failed, 1);
  assert_int_equal(s.total_bytes_allocated, 1001);
  assert_int_equal(s.size_histogram[9], 1);
  assert_int_equal(s.bytes_allocated, ARROWPOOL_UNKNOWN);
  assert_int_equal(s.max_memory, ARROWPOOL_UNKNOWN);
  assert_int_equal(s.num_frees, ARROWPOOL_UNKNOWN);
  assert_int_equal(s.num_reallocations, ARROWPOOL_UNKNOWN);
  assert_int_equal(s.bytes_copied, ARROWPOOL_UNKNOWN);
  pool_destroy(pool);
}

/* Two pools that are full one after the other were never full together. */
TEST(a_watch_tells_the_peak_of_all_pools_since_it_began) {
  arrowpool_pool *first = open_pool(state, "watched first"), *second = open_pool(state, "watched second");
  enum { SMALL = 1000, LARGE = 3 << 20 };
  arrowpool_free(first, allocate(first, 2 * LARGE), 2 * LARGE, 64); /* before anybody watches */
  assert_int_equal(arrowpool_take_peak(1), ARROWPOOL_UNKNOWN);
  int64_t before = arrowpool_take_peak(1);
  uint8_t *kept = allocate(first, SMALL);
  arrowpool_free(first, allocate(first, LARGE), LARGE, 64);
  arrowpool_free(second, allocate(second, LARGE + 100), LARGE + 100, 64);
  assert_int_equal(arrowpool_take_peak(1) - before, SMALL + LARGE + 100);
  assert_int_equal(arrowpool_take_peak(1) - before, SMALL); /* what is live still */
  arrowpool_free(second, allocate(second, 50), 50, 64);     /* less than a thread need publish */
  assert_int_equal(arrowpool_take_peak(1) - before, SMALL + 50);
  arrowpool_free(first, kept, SMALL, 64);
  assert_int_equal(arrowpool_take_peak(0) - before, SMALL);
  assert_int_equal(arrowpool_take_peak(0), ARROWPOOL_UNKNOWN);
  arrowpool_destroy(first);
  arrowpool_destroy(second);
}

#define ON_BOTH(test)                                                                                        \
  TEST_WITH(test, "jemalloc", ARROWPOOL_BACKEND_JEMALLOC), TEST_WITH(test, "system", ARROWPOOL_BACKEND_SYSTEM)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BOTH(every_field_counts_what_it_says),
      ON_BOTH(reallocating_through_zero_frees_and_allocates),
      ON_BOTH(the_histogram_has_a_bucket_for_each_power_of_two),
      ON_BOTH(how_a_growth_was_served_shows_in_the_pointer),
      ON_BOTH(a_short_struct_gets_the_fields_that_fit),
      ON_BOTH(pools_do_not_see_each_other),
      ON_BOTH(a_watch_tells_the_peak_of_all_pools_since_it_began),
      cmocka_unit_test(large_buffers_grow_in_place_on_jemalloc),
      cmocka_unit_test(a_pool_that_remembers_counts_what_was_asked_for),
      cmocka_unit_test(reallocating_without_an_alignment_keeps_the_first_one),
      cmocka_unit_test(what_a_pool_cannot_see_is_unknown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
