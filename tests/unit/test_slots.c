/* Address space: slots and the range (slots.h, range.h), without jemalloc on top. The group's set-up makes
 * one range for all tests. */
#include "unit.h"

#include "memory/page_runs.h"
#include "memory/range.h"
#include "memory/slots_table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define PAGE     ((int64_t)RANGE_UNIT)
#define SLOT     (MIB)       /* a slot of the tier that serves extents of 128 KiB to 1 MiB */
#define BIG_SLOT (510 * MIB) /* of 512 MiB, the lead is not for an extent of whole huge pages */

static int reserve(void **state) {
  (void)state;
  if (!range_reserve())
    return 1;
  size_t share = range_uncarved() / 8;
  return !(page_runs_init(share) && slots_init(share, (slots_policy){.decay = 0}));
}

static bool is_zero(const uint8_t *from, int64_t size) {
  for (int64_t i = 0; i<size; i += size> MIB ? 1024 : 1)
    if (from[i])
      return false;
  return true;
}

static uint8_t *allocate(int64_t size, int64_t alignment) {
  bool zeroed;
  uint8_t *extent = slots_allocate((size_t)size, (size_t)alignment, &zeroed);
  CHECK(extent && unit_aligned(extent, alignment) && unit_aligned(extent, PAGE));
  CHECK(range_owns(extent) && range_owns(extent + size - 1) && !page_runs_hold(extent));
  return extent;
}

static bool extend(void *end, size_t size) {
  bool zeroed;
  return slots_extend(end, size, &zeroed);
}

/* ---- slots ---- */

TEST(an_extent_is_extended_at_its_end_only) {
  const int64_t size = 256 * KIB, step = 64 * KIB;
  uint8_t *extent = allocate(size, PAGE);
  unit_write(extent, size, 1);
  assert_false(extend(extent + size + step, (size_t)step));
  assert_false(extend(extent + size - step, (size_t)step));
  assert_false(extend(extent + PAGE, (size_t)step));
  assert_true(extend(extent + size, (size_t)step));
  assert_false(extend(extent + size, (size_t)step)); /* the end moved on */
  assert_true(is_zero(extent + size, step));
  assert_true(unit_matches(extent, size, size, 1));
  assert_true(extend(extent + size + step, (size_t)step));
  slots_release(extent, (size_t)(size + 2 * step));
}

TEST(an_extent_is_not_extended_beyond_its_slot) {
  uint8_t *extent = allocate(SLOT - 64 * KIB, PAGE), *neighbour = allocate(SLOT - 64 * KIB, PAGE);
  assert_false(extend(extent + SLOT - 64 * KIB, (size_t)(64 * KIB + PAGE)));
  assert_true(extend(extent + SLOT - 64 * KIB, (size_t)(64 * KIB)));
  assert_false(extend(extent + SLOT, PAGE));
  assert_false(extend(extent + SLOT, (size_t)1 << 62));
  memset(extent, 0xff, (size_t)SLOT);
  assert_true(is_zero(neighbour, SLOT - 64 * KIB));
  slots_release(extent, (size_t)SLOT);
  slots_release(neighbour, (size_t)(SLOT - 64 * KIB));
}

TEST(a_large_slot_opens_up_to_its_end) {
  int64_t size = 40 * MIB;
  uint8_t *extent = allocate(size, PAGE);
  for (int64_t step = MIB; size < BIG_SLOT; step *= 2) {
    step = step < BIG_SLOT - size ? step : BIG_SLOT - size;
    assert_true(extend(extent + size, (size_t)step));
    extent[size] = extent[size + step - 1] = 1;
    size += step;
  }
  assert_false(extend(extent + size, PAGE));
  slots_release(extent, (size_t)size);
}

TEST(released_pages_read_as_zeros_again) {
  static const int64_t sizes[] = {128 * KIB, SLOT, 8 * MIB, 20 * MIB};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    size_t size = (size_t)sizes[i], half = size / 2;
    uint8_t *extent = allocate(sizes[i], PAGE), *again;
    memset(extent, 0xee, size);
    slots_release(extent + half, half);
    assert_true(extent[half - 1] == 0xee); /* what was kept stays */
    assert_true(extend(extent + half, half));
    assert_true(is_zero(extent + half, (int64_t)half));
    memset(extent + half, 0xee, half);
    slots_release(extent, size);
    again = allocate(sizes[i], PAGE);
    assert_ptr_equal(again, extent); /* the slot that became free last */
    assert_true(is_zero(again, sizes[i]));
    slots_release(again, size);
  }
}

TEST(a_slot_is_free_when_all_parts_are_released_in_any_order) {
  const int64_t part = 64 * KIB;
  static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};
  for (size_t i = 0; i < COUNT_OF(orders); i++) {
    uint8_t *extent = allocate(4 * part, PAGE);
    memset(extent, 1, (size_t)(4 * part));
    for (int k = 0; k < 4; k++) {
      uint8_t *other = allocate(4 * part, PAGE);
      assert_ptr_not_equal(other, extent); /* still taken */
      slots_release(other, (size_t)(4 * part));
      slots_release(extent + orders[i][k] * part, (size_t)part);
    }
    uint8_t *again = allocate(4 * part, PAGE);
    assert_ptr_equal(again, extent);
    assert_true(is_zero(again, 4 * part));
    slots_release(again, (size_t)(4 * part));
  }
}

TEST(two_addresses_are_in_one_slot_or_not) {
  uint8_t *one = allocate(256 * KIB, PAGE), *two = allocate(256 * KIB, PAGE);
  int on_the_stack;
  void *run = page_runs_allocate(0, PAGE, PAGE);
  assert_true(slots_same(one, one + 256 * KIB - 1));
  assert_false(slots_same(one, two));
  assert_false(slots_same(one, &on_the_stack));
  assert_false(slots_same(&on_the_stack, one));
  assert_false(slots_same(one, run));
  assert_false(slots_same(run, run));
  slots_release(one, (size_t)(256 * KIB));
  slots_release(two, (size_t)(256 * KIB));
}

TEST(extents_come_at_every_alignment) {
  SKIP_IF_ADDRESSES_ARE_FEW();
  for (int64_t alignment = PAGE; alignment <= 4 * GIB; alignment *= 2)
    for (int64_t size = PAGE; size <= 16 * MIB; size *= 8) {
      uint8_t *extent = allocate(size, alignment);
      extent[0] = extent[size - 1] = 1;
      assert_int_equal(slots_alignment(extent), alignment);
      assert_int_equal(slots_alignment(extent + size - 1), alignment);
      slots_release(extent, (size_t)size);
    }
}

TEST(what_no_slot_can_hold_is_refused) {
  bool zeroed;
  assert_null(slots_allocate((size_t)1 << 50, PAGE, &zeroed));
  assert_null(slots_allocate(PAGE, (size_t)1 << 50, &zeroed));
  assert_null(slots_allocate((size_t)1 << 62, (size_t)1 << 62, &zeroed));
}

TEST(a_slot_remembers_the_size_that_was_asked_for) {
  uint8_t *one = allocate(200 * KIB, PAGE), *two = allocate(200 * KIB, PAGE);
  slots_set_requested(one, 199999);
  slots_set_requested(two, 7);
  assert_int_equal(slots_requested(one), 199999);
  assert_int_equal(slots_requested(one + 1000), 199999);
  assert_int_equal(slots_requested(two), 7);
  slots_release(one, (size_t)(200 * KIB));
  slots_release(two, (size_t)(200 * KIB));
}

TEST(many_slots_are_apart_from_each_other) {
  SKIP_IF_ADDRESSES_ARE_FEW();
  enum { MANY = 5000 };
  static uint8_t *extents[MANY];
  for (int i = 0; i < MANY; i++) {
    int64_t size = (i % 16 + 1) * 64 * KIB;
    extents[i] = allocate(size, PAGE);
    memcpy(extents[i], &i, sizeof i);
    memcpy(extents[i] + size - sizeof i, &i, sizeof i);
  }
  for (int i = 0; i < MANY; i++) {
    int64_t size = (i % 16 + 1) * 64 * KIB;
    assert_memory_equal(extents[i], &i, sizeof i);
    assert_memory_equal(extents[i] + size - sizeof i, &i, sizeof i);
    slots_release(extents[i], (size_t)size);
  }
}

/* ---- trimming here while growing there ---- */

#define ROUNDS (UNIT_SANITIZED ? 500 : 3000)
#define KEPT   (256 * KIB)
#define TAIL   (128 * KIB)

static uint8_t *shared_extent;
static pthread_barrier_t start_round, end_round;

/* As jemalloc does: it first forgets the tail, then releases it, while the owner may already be growing. */
static void *trim(void *unused) {
  (void)unused;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_barrier_wait(&start_round);
    slots_release(shared_extent + KEPT, (size_t)TAIL);
    pthread_barrier_wait(&end_round);
  }
  return NULL;
}

TEST(what_is_written_after_an_extend_outlives_a_concurrent_trim) {
  pthread_t trimmer;
  shared_extent = allocate(KEPT + TAIL, PAGE);
  unit_write(shared_extent, KEPT, 0);
  pthread_barrier_init(&start_round, NULL, 2);
  pthread_barrier_init(&end_round, NULL, 2);
  assert_int_equal(pthread_create(&trimmer, NULL, trim, NULL), 0);
  for (uint64_t i = 0; i < ROUNDS; i++) {
    uint8_t *tail = shared_extent + KEPT;
    unit_write(tail, TAIL, i);
    pthread_barrier_wait(&start_round);
    while (!extend(tail, (size_t)TAIL)) /* refused until the tail is given back */
      sched_yield();
    CHECK(is_zero(tail, TAIL));
    unit_write(tail, TAIL, i + ROUNDS);
    pthread_barrier_wait(&end_round);
    CHECK(unit_matches(tail, TAIL, TAIL, i + ROUNDS));
    CHECK(unit_matches(shared_extent, KEPT, KEPT, 0));
  }
  assert_int_equal(pthread_join(trimmer, NULL), 0);
  slots_release(shared_extent, (size_t)(KEPT + TAIL));
}

#define THREADS 4

/* Returns how many extents a thread may have, of which each may grow beyond a slot of 1 MiB. */
static size_t extents_of_a_thread(void) {
  size_t slots = 0;
  for (tier *t = slots_tiers; t < slots_tiers + slots_tier_count; t++)
    slots += (int64_t)1 << t->shift > SLOT ? t->count : 0;
  return slots / THREADS;
}

/* Threads that allocate, extend, trim and release extents of the same tiers. */
static void *churn(void *index) {
  uint64_t random = (uintptr_t)index;
  struct {
    uint8_t *extent;
    int64_t size;
    uint64_t tag;
  } items[20] = {{0}};
  size_t most = extents_of_a_thread(), count = most < COUNT_OF(items) ? most : COUNT_OF(items);
  for (int i = 0; i < (UNIT_SANITIZED ? 2000 : 8000); i++) {
    size_t n = unit_random(&random) % count;
    int64_t step = (int64_t)(unit_random(&random) % 32 + 1) * PAGE;
    if (!items[n].extent) {
      items[n].size = step;
      items[n].extent = allocate(step, PAGE);
      CHECK(is_zero(items[n].extent, step));
      items[n].tag = unit_random(&random);
    } else {
      CHECK(unit_matches(items[n].extent, items[n].size, items[n].size, items[n].tag));
      if (unit_random(&random) % 4 == 0) {
        slots_release(items[n].extent, (size_t)items[n].size);
        items[n].extent = NULL;
        continue;
      }
      if (unit_random(&random) % 2 && items[n].size > step) {
        slots_release(items[n].extent + items[n].size - step, (size_t)step);
        items[n].size -= step;
      } else if (extend(items[n].extent + items[n].size, (size_t)step)) {
        CHECK(is_zero(items[n].extent + items[n].size, step));
        items[n].size += step;
      }
    }
    unit_write(items[n].extent, items[n].size, items[n].tag);
  }
  for (size_t n = 0; n < COUNT_OF(items); n++)
    if (items[n].extent)
      slots_release(items[n].extent, (size_t)items[n].size);
  return NULL;
}

TEST(many_threads_use_slots_at_once) {
  if (extents_of_a_thread() < 2)
    SKIP("addresses are limited: the range is small");
  unit_run_threads(THREADS, churn);
}

/* ---- the range ---- */

TEST(only_the_range_is_owned) {
  int on_the_stack;
  uint8_t *extent = allocate(128 * KIB, PAGE);
  assert_true(range_owns(extent));
  assert_false(range_owns(NULL));
  assert_false(range_owns(&on_the_stack));
  assert_false(range_owns(&range_all));
  assert_false(range_owns((void *)UINTPTR_MAX));
  uintptr_t low = range_all.low;
  assert_true(range_owns((void *)low) && range_owns((void *)(low + range_all.span - 1)));
  assert_false(range_owns((void *)(low - 1)) || range_owns((void *)(low + range_all.span)));
  slots_release(extent, (size_t)(128 * KIB));
}

TEST(a_window_becomes_writable_from_its_bottom) {
  range_window window = {0};
  assert_true(range_carve(&window, (size_t)(100 * MIB), (size_t)(2 * MIB)));
  assert_true(range_window_holds(&window, window.base));
  assert_false(range_window_holds(&window, window.base + window.size));
  assert_true(range_commit(&window, 1));
  assert_in_range(window.writable, PAGE, window.size);
  for (size_t upto = 1; upto <= window.size && upto <= (size_t)(100 * MIB); upto *= 3) {
    assert_true(range_commit(&window, upto));
    assert_true(window.writable >= upto);
    window.base[upto - 1] = 1;
  }
  range_window too_large = {0};
  assert_false(range_carve(&too_large, range_uncarved() + 1, (size_t)(2 * MIB)));
  assert_null(too_large.base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_extent_is_extended_at_its_end_only),
      cmocka_unit_test(an_extent_is_not_extended_beyond_its_slot),
      cmocka_unit_test(a_large_slot_opens_up_to_its_end),
      cmocka_unit_test(released_pages_read_as_zeros_again),
      cmocka_unit_test(a_slot_is_free_when_all_parts_are_released_in_any_order),
      cmocka_unit_test(two_addresses_are_in_one_slot_or_not),
      cmocka_unit_test(extents_come_at_every_alignment),
      cmocka_unit_test(what_no_slot_can_hold_is_refused),
      cmocka_unit_test(a_slot_remembers_the_size_that_was_asked_for),
      cmocka_unit_test(many_slots_are_apart_from_each_other),
      cmocka_unit_test(what_is_written_after_an_extend_outlives_a_concurrent_trim),
      cmocka_unit_test(many_threads_use_slots_at_once),
      cmocka_unit_test(only_the_range_is_owned),
      cmocka_unit_test(a_window_becomes_writable_from_its_bottom),
  };
  return cmocka_run_group_tests(tests, reserve, NULL);
}
