/* Idle pages that go from one slot to another (memory/slots_borrow.c): whose they may be, whose they become,
 * and that no contents change. Each test has a range of its own in a forked child. */
#include "unit.h"

#include "memory/idle.h"
#include "memory/range.h"
#include "memory/slots_table.h"

#include <string.h>
#include <sys/mman.h>

static void begin(slots_policy policy) {
  CHECK(range_reserve());
  CHECK(slots_init(range_uncarved() / 8, policy));
}

static uint8_t *allocate(int64_t size, uint64_t tag) {
  bool zeroed;
  uint8_t *extent = slots_allocate((size_t)size, 4096, &zeroed);
  CHECK(extent && unit_aligned(extent, 4096));
  if (zeroed)
    CHECK(extent[0] == 0 && extent[size - 1] == 0 && extent[size / 2] == 0);
  unit_write(extent, size, tag);
  return extent;
}

static void release(uint8_t *extent, int64_t size) { slots_release(extent, (size_t)size); }

static bool is_resident(const uint8_t *address) {
  unsigned char page;
  CHECK(mincore((void *)((uintptr_t)address & ~(uintptr_t)4095), 4096, &page) == 0);
  return page & 1;
}

/* Returns whether an extent's page in the middle was there before anybody touched it. */
static bool comes_with_pages(int64_t size, uint8_t **extent) {
  bool zeroed;
  *extent = slots_allocate((size_t)size, 4096, &zeroed);
  CHECK(*extent);
  bool resident = is_resident(*extent + size / 2);
  CHECK(!(resident && zeroed));
  return resident;
}

static void borrow_between_tiers(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *small = allocate(24 * MIB, 1), *large;
  release(small, 24 * MIB);
  CHECK(idle_bytes() >= (size_t)(24 * MIB));
  CHECK(comes_with_pages(40 * MIB, &large)); /* it has to be in a larger slot */
  CHECK(!slots_same(small, large) && idle_bytes() < (size_t)(4 * MIB));
  unit_write(large, 40 * MIB, 2);
  small = allocate(24 * MIB, 3); /* the slot that gave its pages away serves on */
  CHECK(unit_matches(large, 40 * MIB, 40 * MIB, 2) && unit_matches(small, 24 * MIB, 24 * MIB, 3));
  release(large, 40 * MIB);
  CHECK(unit_matches(small, 24 * MIB, 24 * MIB, 3));
  release(small, 24 * MIB);
  slots_release_idle();
  CHECK(idle_bytes() == 0);
}

TEST(idle_pages_of_one_tier_serve_another) {
  SKIP_IF_EMULATED("pages do not move, and the range is small");
  assert_true(unit_in_child(borrow_between_tiers));
}

static void borrow_tails(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *trimmed = allocate(28 * MIB, 1), *other;
  release(trimmed + 8 * MIB, 20 * MIB);
  size_t idle = idle_bytes();
  CHECK(comes_with_pages(16 * MIB, &other) && idle_bytes() <= idle - (size_t)(12 * MIB));
  unit_write(other, 16 * MIB, 2);
  CHECK(unit_matches(trimmed, 28 * MIB, 7 * MIB, 1));
  bool zeroed;
  CHECK(slots_extend(trimmed + 8 * MIB, (size_t)(20 * MIB), &zeroed)); /* it grows again, in fresh pages */
  unit_write(trimmed, 28 * MIB, 3);
  CHECK(unit_matches(other, 16 * MIB, 16 * MIB, 2) && unit_matches(trimmed, 28 * MIB, 28 * MIB, 3));
  release(trimmed, 28 * MIB);
  release(other, 16 * MIB);
  CHECK(idle_bytes() >= (size_t)(40 * MIB));
}

TEST(the_tail_of_a_live_buffer_serves_another) {
  SKIP_IF_EMULATED("pages do not move, and the range is small");
  assert_true(unit_in_child(borrow_tails));
}

static void borrow_while_growing(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *idle = allocate(60 * MIB, 1), *growing = allocate(4 * MIB, 2);
  release(idle, 60 * MIB);
  bool zeroed;
  for (int64_t size = 4 * MIB; size < 24 * MIB; size += 4 * MIB) {
    CHECK(slots_extend(growing + size, (size_t)(4 * MIB), &zeroed));
    CHECK(is_resident(growing + size + 3 * MIB) && !zeroed);
    CHECK(unit_matches(growing, size, size, 2));
    unit_write(growing, size + 4 * MIB, 2);
  }
  CHECK(idle_bytes() <= (size_t)(44 * MIB));
}

TEST(a_buffer_that_grows_takes_idle_pages) {
  SKIP_IF_EMULATED("pages do not move, and the range is small");
  assert_true(unit_in_child(borrow_while_growing));
}

/* Ordinary pages stay ordinary: those of small slots and of leads. */
static void borrow_small_pages(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *small = allocate(MIB, 1), *lead;
  release(small, MIB);
  CHECK(comes_with_pages(MIB + 512 * KIB, &lead) || is_resident(lead));
  CHECK(!slots_same(small, lead) && idle_bytes() < (size_t)(512 * KIB));
  unit_write(lead, MIB + 512 * KIB, 2);
  release(lead, MIB + 512 * KIB);
  CHECK(comes_with_pages(MIB, &small));
}

TEST(small_pages_are_lent_too) {
  SKIP_IF_EMULATED("pages do not move, and the range is small");
  assert_true(unit_in_child(borrow_small_pages));
}

static void borrow_without_mappings(void) {
  begin((slots_policy){.decay = SLOTS_NEVER, .max_mappings = 2});
  uint8_t *small = allocate(24 * MIB, 1), *large;
  release(small, 24 * MIB);
  size_t idle = idle_bytes();
  CHECK(!comes_with_pages(40 * MIB, &large) && idle_bytes() == idle);
  CHECK(large[20 * MIB] == 0);
}

TEST(without_mappings_to_spare_pages_are_fresh) { assert_true(unit_in_child(borrow_without_mappings)); }

static void borrow_nothing_altered(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *trimmed = allocate(28 * MIB, 1), *other;
  slots_note_altered(trimmed, 4096); /* its pages may be locked, shared or a file's */
  release(trimmed + 8 * MIB, 20 * MIB);
  CHECK(!comes_with_pages(16 * MIB, &other));
}

TEST(what_the_program_altered_is_not_lent) { assert_true(unit_in_child(borrow_nothing_altered)); }

/* Buffers of all tiers, filled anew in rounds: what is resident is what is live, idle or rounded. */
static void rotate(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  static const int64_t sizes[] = {100 * KIB, 700 * KIB, 5 * MIB, 20 * MIB, 60 * MIB, 110 * MIB};
  uint8_t *held[COUNT_OF(sizes)];
  uint64_t state = 7, tags[COUNT_OF(sizes)];
  bool is_held[COUNT_OF(sizes)] = {false};
  for (int round = 0; round < 400; round++) {
    size_t i = unit_random(&state) % COUNT_OF(sizes);
    if (is_held[i]) {
      CHECK(unit_matches(held[i], sizes[i], sizes[i], tags[i]));
      release(held[i], sizes[i]);
    } else {
      tags[i] = unit_random(&state);
      held[i] = allocate(sizes[i], tags[i]);
    }
    is_held[i] = !is_held[i];
  }
  int64_t live = 0, resident = 0;
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    live += is_held[i] * sizes[i];
    CHECK(!is_held[i] || unit_matches(held[i], sizes[i], sizes[i], tags[i]));
  }
  for (int i = 0; i < slots_tier_count; i++)
    resident += unit_smaps_sum("Rss", slots_tiers[i].addresses.base, slots_tiers[i].addresses.size);
  CHECK(resident <= live + (int64_t)idle_bytes() + (int64_t)COUNT_OF(sizes) * 2 * MIB);
}

TEST(what_is_resident_is_live_or_idle_after_many_loans) { assert_true(unit_in_child(rotate)); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(idle_pages_of_one_tier_serve_another),
      cmocka_unit_test(the_tail_of_a_live_buffer_serves_another),
      cmocka_unit_test(a_buffer_that_grows_takes_idle_pages),
      cmocka_unit_test(small_pages_are_lent_too),
      cmocka_unit_test(without_mappings_to_spare_pages_are_fresh),
      cmocka_unit_test(what_the_program_altered_is_not_lent),
      cmocka_unit_test(what_is_resident_is_live_or_idle_after_many_loans),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
