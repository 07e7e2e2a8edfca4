/* What slots do beyond holding extents: pages that move, idle pages, and limits on both (slots.h). Each test
 * has a range of its own, with its own policy, in a forked child. */
#include "unit.h"

#include "memory/idle.h"
#include "memory/range.h"
#include "memory/slots_table.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static void begin(slots_policy policy) {
  CHECK(range_reserve());
  CHECK(slots_init(range_uncarved() / 8, policy));
}

static void where_pages_move(void (*body)(void)) {
  SKIP_IF_ADDRESSES_ARE_FEW();
  SKIP_IF_EMULATED("pages do not move");
  assert_true(unit_in_child(body));
}

static uint8_t *allocate(int64_t size) {
  bool zeroed;
  uint8_t *extent = slots_allocate((size_t)size, 4096, &zeroed);
  CHECK(extent && unit_aligned(extent, 4096));
  if (zeroed)
    CHECK(extent[0] == 0 && extent[size - 1] == 0 && extent[size / 2] == 0);
  return extent;
}

static void release(uint8_t *extent, int64_t size) { slots_release(extent, (size_t)size); }

/* Grow a buffer by moving it, as the backend does. True if no byte was copied. */
static bool move(uint8_t **buffer, int64_t size, int64_t new_size) {
  slots_expect(*buffer, (size_t)size, true);
  uint8_t *moved = allocate(new_size);
  slots_expect(NULL, 0, false);
  bool remapped = slots_move(*buffer, moved, (size_t)size) == SLOTS_MOVED;
  release(*buffer, size);
  *buffer = moved;
  return remapped;
}

/* A buffer that is moved from tier to tier, written all over in between. Returns how often more bytes were
 * copied than a warm target makes worth it. */
static int climb(int64_t from, int64_t factor, uint64_t seed) {
  int copies = 0;
  uint8_t *buffer = allocate(from);
  unit_write(buffer, from, seed);
  int64_t size = from;
  for (; size * factor <= 300 * MIB; size *= factor) {
    copies += !move(&buffer, size, size * factor) && size > (int64_t)SLOTS_COPIED_MOST;
    CHECK(unit_matches(buffer, size, size, seed));
    unit_write(buffer, size * factor, seed);
  }
  CHECK(unit_matches(buffer, size, size, seed));
  release(buffer, size);
  return copies;
}

/* A small buffer takes its pages along into a slot without any, and leaves them where the target has its own:
 * then the next buffers find both. */
static void climb_into_warm_slots(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  for (int round = 0; round < 3; round++) {
    uint8_t *buffer = allocate(128 * KIB);
    unit_write(buffer, 128 * KIB, 1);
    CHECK(move(&buffer, 128 * KIB, 600 * KIB) == (round == 0));
    CHECK(unit_matches(buffer, 128 * KIB, 128 * KIB, 1));
    CHECK(idle_bytes() == (round ? (size_t)(128 * KIB) : 0));
    memset(buffer, 1, (size_t)(600 * KIB));
    release(buffer, 600 * KIB);
    if (round == 0) { /* the first one's pages went along */
      buffer = allocate(128 * KIB);
      memset(buffer, 1, (size_t)(128 * KIB));
      release(buffer, 128 * KIB);
    }
    CHECK(idle_bytes() == (size_t)(728 * KIB));
  }
}

TEST(small_buffers_are_copied_into_warm_slots) { where_pages_move(climb_into_warm_slots); }

/* What is left behind a buffer is idle: of several slots, the one with the fewest pages that are enough. */
static void fit_best(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *held[3];
  static const int64_t sizes[] = {20 * MIB, 6 * MIB, 12 * MIB};
  for (size_t i = 0; i < COUNT_OF(held); i++)
    memset(held[i] = allocate(sizes[i]), 1, (size_t)sizes[i]);
  for (size_t i = 0; i < COUNT_OF(held); i++)
    release(held[i], sizes[i]);
  for (size_t i = 0; i < COUNT_OF(held); i++)
    CHECK(allocate(sizes[i]) == held[i]);
  CHECK(idle_bytes() == 0);
}

TEST(of_idle_slots_the_one_that_fits_best_is_used) { assert_true(unit_in_child(fit_best)); }

static int64_t next_size(int64_t size) {
  int64_t page = (int64_t)range_page_size();
  return (size * 3 / 2 + page - 1) / page * page;
}

static void climb_often(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  for (uint64_t round = 0; round < 3; round++) /* the later rounds land on warm slots, full of old pages */
    for (int64_t from = 64 * KIB; from <= 3 * MIB; from = next_size(from))
      CHECK(climb(from, round % 2 ? 3 : 17, round * 100 + 1) == 0);
}

TEST(pages_move_from_tier_to_tier_without_a_copy) { where_pages_move(climb_often); }

/* Where kernels differ in their pages, the unit is the largest of them. */
static void climb_by_large_pages(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  range_page = (size_t)(64 * KIB);
  for (int64_t from = 64 * KIB; from <= 3 * MIB; from = next_size(from))
    CHECK(climb(from, 3, 5) == 0);
}

TEST(pages_of_64_kib_move_too) { where_pages_move(climb_by_large_pages); }

/* A kernel whose pages are of 16 KiB: the lead is 32 MiB, and the tiers below 256 MiB have none. */
static void climb_by_large_huge_pages(void) {
  begin((slots_policy){.decay = SLOTS_NEVER, .huge_page = (size_t)(32 * MIB)});
  CHECK(slots_huge_page == (size_t)(32 * MIB) && slots_rules.thp == SLOTS_THP_AUTO);
  for (tier *t = slots_tiers; t < slots_tiers + slots_tier_count; t++)
    CHECK(slots_has_lead(t) == (t->shift >= 28));
  uint8_t *whole = allocate(64 * MIB), *odd = allocate(65 * MIB);
  CHECK(unit_aligned(whole, 32 * MIB) && unit_aligned(odd + 65 * MIB, 32 * MIB));
  release(whole, 64 * MIB);
  release(odd, 65 * MIB);
  slots_release_idle();
  for (int64_t from = 64 * KIB; from <= 3 * MIB; from = next_size(from))
    CHECK(climb(from, 3, 6) == 0);
}

TEST(huge_pages_of_32_mib_are_used) { where_pages_move(climb_by_large_huge_pages); }

/* One of 64 KiB: whatever the policy is, no buffer gets a huge page of 512 MiB. */
static void climb_without_larger_huge_pages(void) {
  begin((slots_policy){.decay = SLOTS_NEVER, .thp = SLOTS_THP_ALWAYS, .huge_page = (size_t)(512 * MIB)});
  CHECK(slots_rules.thp == SLOTS_THP_NEVER);
  CHECK(climb(64 * KIB, 5, 7) == 0);
  CHECK(idle_bytes() <= (size_t)(320 * MIB));
}

TEST(huge_pages_of_512_mib_are_not) { where_pages_move(climb_without_larger_huge_pages); }

/* A slot that is retired while it is listed, as by a purge of its tail that began before it was freed. */
static void retire_a_listed_slot(void) {
  place at;
  begin((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *first = allocate(MIB);
  CHECK(slots_find(first, &at));
  release(first, MIB);
  at.s->retired = true;
  for (int i = 0; i < 3; i++) {
    uint8_t *other = allocate(MIB);
    CHECK(other != first);
    unit_write(other, MIB, 1);
    release(other, MIB);
  }
}

TEST(a_retired_slot_serves_nobody) {
  SKIP_IF_ADDRESSES_ARE_FEW();
  assert_true(unit_in_child(retire_a_listed_slot));
}

static void climb_without_huge_pages(void) {
  begin((slots_policy){.decay = 0, .thp = SLOTS_THP_NEVER});
  CHECK(climb(64 * KIB, 5, 2) == 0);
}

TEST(pages_move_without_huge_pages_too) { where_pages_move(climb_without_huge_pages); }

static void climb_with_few_mappings(void) {
  begin((slots_policy){.decay = 0, .max_mappings = 6});
  uint8_t *held[8];
  int copies = 0;
  for (int i = 0; i < 8; i++) {
    held[i] = allocate(128 * KIB);
    unit_write(held[i], 128 * KIB, (uint64_t)i);
    copies += !move(&held[i], 128 * KIB, MIB);
  }
  CHECK(copies > 0 && copies < 8); /* the first ones fit into the limit */
  for (int i = 0; i < 8; i++) {
    CHECK(unit_matches(held[i], 128 * KIB, 128 * KIB, (uint64_t)i));
    release(held[i], MIB);
  }
  held[0] = allocate(128 * KIB); /* what was released counts no more */
  unit_write(held[0], 128 * KIB, 9);
  CHECK(move(&held[0], 128 * KIB, MIB));
}

TEST(beyond_the_limit_on_mappings_bytes_are_copied) { where_pages_move(climb_with_few_mappings); }

static void keep_and_return(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *extent = allocate(20 * MIB);
  memset(extent, 1, (size_t)(20 * MIB));
  CHECK(idle_bytes() == 0);
  release(extent + 10 * MIB, 10 * MIB); /* a trimmed tail */
  CHECK(idle_bytes() >= (size_t)(10 * MIB));
  release(extent, 10 * MIB);
  CHECK(idle_bytes() >= (size_t)(20 * MIB));
  CHECK(slots_expire() == SLOTS_NEVER);                     /* no limit in time */
  CHECK(allocate(20 * MIB) == extent && idle_bytes() == 0); /* used again first */
  release(extent, 20 * MIB);
  slots_release_idle();
  CHECK(idle_bytes() == 0);
  bool zeroed;
  extent = slots_allocate((size_t)(20 * MIB), 4096, &zeroed);
  CHECK(zeroed && extent[5 * MIB] == 0);
}

TEST(idle_pages_are_kept_and_returned_on_demand) { assert_true(unit_in_child(keep_and_return)); }

static void expire(void) {
  begin((slots_policy){.decay = 20});
  uint8_t *one = allocate(3 * MIB), *two = allocate(5 * MIB);
  memset(one, 1, (size_t)(3 * MIB));
  release(one, 3 * MIB);
  release(two + MIB, 4 * MIB); /* a live buffer's tail expires as well */
  CHECK(idle_bytes() > 0 && slots_expire() != SLOTS_NEVER);
  while (slots_expire() != SLOTS_NEVER) { /* ends when the decay time is over */
  }
  CHECK(idle_bytes() == 0);
}

TEST(idle_pages_expire) { assert_true(unit_in_child(expire)); }

static void stay_within_bounds(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  static const int64_t sizes[] = {100 * KIB, MIB, 10 * MIB, 100 * MIB};
  int64_t most_live = 0;
  for (int round = 0; round < 20; round++)
    for (size_t i = 0; i < COUNT_OF(sizes); i++) { /* each tier would keep its own */
      uint8_t *held[3];
      for (int k = 0; k < 3; k++)
        held[k] = allocate(sizes[i]);
      most_live = 3 * sizes[i] > most_live ? 3 * sizes[i] : most_live;
      for (int k = 0; k < 3; k++)
        release(held[k], sizes[i]);
      CHECK(idle_bytes() <= (size_t)(most_live + most_live / 4 + 4 * MIB));
    }
}

/* What a buffer held beyond its bytes, for huge pages, must not make its own pages too many to keep. */
static void keep_a_grown_buffer(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  for (int64_t size = 100 * MIB; size < 108 * MIB; size += MIB / 2) {
    uint8_t *extent = allocate(size - 40 * MIB);
    bool zeroed;
    CHECK(slots_extend(extent + size - 40 * MIB, (size_t)(40 * MIB), &zeroed));
    release(extent, size);
    CHECK(idle_bytes() >= (size_t)size);
    slots_release_idle();
  }
}

TEST(a_grown_buffer_keeps_its_idle_pages) { assert_true(unit_in_child(keep_a_grown_buffer)); }

/* Returns the resident bytes of [from, to). */
static int64_t resident(const uint8_t *from, const uint8_t *to) {
  static unsigned char pages[8192];
  size_t count = (size_t)(to - from) / 4096;
  int64_t bytes = 0;
  CHECK(count <= sizeof pages && mincore((void *)(uintptr_t)from, (size_t)(to - from), pages) == 0);
  for (size_t i = 0; i < count; i++)
    bytes += (pages[i] & 1) * 4096;
  return bytes;
}

/* The first buffer begins in the lead, the second behind it: what was resident before it is nobody's. */
static void reuse_with_another_start(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  int64_t first = 5 * MIB + 256 * KIB, second = 12 * MIB;
  uint8_t *extent = allocate(first);
  place at;
  CHECK(slots_find(extent, &at));
  const uint8_t *beginning = (const uint8_t *)at.base;
  memset(extent, 1, (size_t)first);
  CHECK(extent < beginning + 2 * MIB);
  release(extent, first);
  uint8_t *again = allocate(second);
  CHECK(again > beginning && again < beginning + 32 * MIB);
  CHECK(resident(beginning, again) == 0);
  memset(again, 1, (size_t)second);
  CHECK(resident(beginning, beginning + 32 * MIB) <= second + (int64_t)idle_bytes());
  release(again, second);
  CHECK(allocate(first) == again); /* in the idle pages, wherever they begin */
}

TEST(pages_before_a_reused_buffer_go_back) { assert_true(unit_in_child(reuse_with_another_start)); }

static int count_mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  CHECK(maps);
  int lines = 0;
  for (int c; (c = getc(maps)) != EOF;)
    lines += c == '\n';
  fclose(maps);
  return lines;
}

static void free_many(void) {
  begin((slots_policy){.decay = SLOTS_NEVER});
  enum { COUNT = 3000 };
  static uint8_t *held[COUNT];
  int before = count_mappings();
  for (int i = 0; i < COUNT; i++) {
    held[i] = allocate(5 * MIB);
    held[i][0] = 1;
  }
  CHECK(count_mappings() > before + COUNT);
  for (int i = 0; i < COUNT; i++)
    release(held[i], 5 * MIB);
  slots_release_idle();
  CHECK(count_mappings() < before + COUNT); /* those of a sixteenth of what is allowed may stay */
}

TEST(the_mappings_of_many_slots_go_when_they_are_cold) {
  SKIP_IF_ADDRESSES_ARE_FEW();
  SKIP_IF_EMULATED("the emulator has its own idea of mappings");
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs addresses itself");
  assert_true(unit_in_child(free_many));
}

/* A buffer that grew has a huge page of its own from the start, as long as that is little beside the rest. */
static int grow_ten(void) {
  int at_once = 0;
  for (int i = 0; i < 10; i++) {
    slots_expect(NULL, 0, true);
    uint8_t *extent = allocate(128 * KIB);
    slots_expect(NULL, 0, false);
    place at;
    at_once += slots_find(extent, &at) && slots_has_lead(at.t);
  }
  return at_once;
}

/* Where no huge page can be advised there is nothing to be had from a large slot, of which there may be few.
 */
static void grow_without_mappings(void) {
  begin((slots_policy){.decay = SLOTS_NEVER, .huge_page = (size_t)(2 * MIB), .max_mappings = 1});
  CHECK(grow_ten() == 0);
}

TEST(without_mappings_what_has_grown_takes_no_large_slot) {
  assert_true(unit_in_child(grow_without_mappings));
}

static void grow_into_a_huge_page(void) {
  begin((slots_policy){.decay = SLOTS_NEVER, .huge_page = (size_t)(2 * MIB)});
  CHECK(grow_ten() == 2);
  uint8_t *large = allocate(64 * MIB); /* 4 MiB more may be idle for it */
  CHECK(grow_ten() == 2);
  release(large, 64 * MIB);
}

TEST(what_has_grown_gets_a_huge_page_within_bounds) {
  SKIP_IF_EMULATED("pages do not move");
  assert_true(unit_in_child(grow_into_a_huge_page));
}

TEST(idle_pages_never_exceed_what_was_live) {
  SKIP_IF_ADDRESSES_ARE_FEW();
  assert_true(unit_in_child(stay_within_bounds));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pages_move_from_tier_to_tier_without_a_copy),
      cmocka_unit_test(small_buffers_are_copied_into_warm_slots),
      cmocka_unit_test(of_idle_slots_the_one_that_fits_best_is_used),
      cmocka_unit_test(pages_of_64_kib_move_too),
      cmocka_unit_test(huge_pages_of_32_mib_are_used),
      cmocka_unit_test(huge_pages_of_512_mib_are_not),
      cmocka_unit_test(a_retired_slot_serves_nobody),
      cmocka_unit_test(pages_move_without_huge_pages_too),
      cmocka_unit_test(pages_before_a_reused_buffer_go_back),
      cmocka_unit_test(the_mappings_of_many_slots_go_when_they_are_cold),
      cmocka_unit_test(what_has_grown_gets_a_huge_page_within_bounds),
      cmocka_unit_test(without_mappings_what_has_grown_takes_no_large_slot),
      cmocka_unit_test(beyond_the_limit_on_mappings_bytes_are_copied),
      cmocka_unit_test(idle_pages_are_kept_and_returned_on_demand),
      cmocka_unit_test(idle_pages_expire),
      cmocka_unit_test(idle_pages_never_exceed_what_was_live),
      cmocka_unit_test(a_grown_buffer_keeps_its_idle_pages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
