/* Idle pages of slots that are given back lazily (idle.h): the kernel is told that it may take them, they
 * serve again with right contents, and they go at the end of the decay time. Each test has a range of its
 * own, in a forked child. */
#include "lazy.h"

#include "memory/slots_table.h"

static void begin(int64_t decay) {
  CHECK(range_reserve());
  CHECK(slots_init(range_uncarved() / 8, (slots_policy){.decay = decay}));
}

static bool zeroed;

static uint8_t *allocate(int64_t size) {
  uint8_t *extent = slots_allocate((size_t)size, 4096, &zeroed);
  CHECK(extent);
  return extent;
}

static uint8_t *allocate_filled(int64_t size) { return memset(allocate(size), 0xff, (size_t)size); }

static void release(uint8_t *extent, int64_t size) { slots_release(extent, (size_t)size); }

/* Has what is idle be so for long enough. */
static int64_t wait_and_look(void) {
  sleep_for(IDLE_LAZILY_AFTER + 20);
  return slots_expire();
}

static void free_slots(void) {
  begin(LONG);
  static const int64_t sizes[] = {100 * KIB, 3 * MIB, 40 * MIB};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    uint8_t *extent = allocate_filled(sizes[i]);
    release(extent, sizes[i]);
    size_t idle = idle_bytes();
    CHECK(idle >= (size_t)sizes[i]);
    int64_t next = slots_expire();
    CHECK(next > 0 && next <= IDLE_LAZILY_AFTER && lazy_bytes() == 0);
    CHECK(wait_and_look() > LONG / 2 && idle_bytes() == idle);
    CHECK(lazy_calls == 1 && (sizes[i] < MIB || about(lazy_bytes(), sizes[i])));
    CHECK(allocate(sizes[i]) == extent && !zeroed && idle_bytes() < (size_t)sizes[i]); /* used again */
    unit_write(extent, sizes[i], i);
    CHECK(lazy_bytes() < MIB && unit_matches(extent, sizes[i], sizes[i], i));
    CHECK(wait_and_look() == SLOTS_NEVER || idle_bytes());
    CHECK(unit_matches(extent, sizes[i], sizes[i], i));
    release(extent, sizes[i]);
    slots_release_idle();
    CHECK(idle_bytes() == 0 && lazy_bytes() == 0);
    CHECK(allocate(sizes[i]) && zeroed);
    lazy_calls = 0;
  }
}

TEST(a_free_slot_is_given_back_lazily_and_used_again) {
  SKIP_WITHOUT_LAZY_FREE();
  assert_true(unit_in_child(free_slots));
}

static void tails(void) {
  begin(LONG);
  uint8_t *extent = allocate(20 * MIB);
  unit_write(extent, 20 * MIB, 1);
  memset(extent + 10 * MIB, 0xff, (size_t)(10 * MIB));
  release(extent + 10 * MIB, 10 * MIB);
  CHECK(wait_and_look() > LONG / 2 && lazy_calls == 1 && about(lazy_bytes(), 10 * MIB));
  CHECK(unit_matches(extent, 20 * MIB, 10 * MIB, 1) && idle_bytes() == (size_t)(10 * MIB));
  bool fresh = true;
  CHECK(slots_extend(extent + 10 * MIB, (size_t)(4 * MIB), &fresh) && !fresh); /* into its own tail */
  unit_write(extent, 14 * MIB, 2);
  CHECK(idle_bytes() == (size_t)(6 * MIB) && about(lazy_bytes(), 6 * MIB));
  CHECK(wait_and_look() > LONG / 2 && lazy_calls == 2); /* what is left of it is idle since it grew */
  CHECK(slots_extend(extent + 14 * MIB, (size_t)(6 * MIB), &fresh) && idle_bytes() == 0);
  CHECK(slots_expire() == SLOTS_NEVER && unit_matches(extent, 14 * MIB, 14 * MIB, 2));
  release(extent + 16 * MIB, 4 * MIB);
  release(extent, 16 * MIB); /* while it is on a list as a tail */
  CHECK(wait_and_look() > LONG / 2 && lazy_calls == 3 && idle_bytes() >= (size_t)(20 * MIB));
  slots_release_idle();
  CHECK(slots_expire() == SLOTS_NEVER && idle_bytes() == 0);
}

TEST(a_trimmed_tail_is_given_back_lazily_and_grown_into) {
  SKIP_WITHOUT_LAZY_FREE();
  assert_true(unit_in_child(tails));
}

static void choose(void) {
  begin(LONG);
  uint8_t *lazy = allocate_filled(3 * MIB), *fresh = allocate_filled(3 * MIB);
  release(lazy, 3 * MIB);
  wait_and_look();
  release(fresh, 3 * MIB);
  CHECK(allocate(3 * MIB) == fresh && allocate(3 * MIB) == lazy && idle_bytes() == 0);
  release(lazy, 3 * MIB);
  wait_and_look();
  uint8_t *small = allocate_filled(2 * MIB); /* of the same tier: it takes what there is */
  CHECK(small == lazy);
}

TEST(pages_that_the_kernel_may_have_taken_come_second) { assert_true(unit_in_child(choose)); }

static void expire(void) {
  begin(400);
  uint8_t *one = allocate_filled(3 * MIB), *two = allocate_filled(5 * MIB);
  release(one, 3 * MIB);
  release(two + MIB, 4 * MIB);
  CHECK(wait_and_look() <= 400 && idle_bytes() == (size_t)(7 * MIB) && lazy_calls == 2);
  int64_t next;
  while ((next = slots_expire()) != SLOTS_NEVER) {
    CHECK(next >= 0 && next <= 400);
    sleep_for(next);
  }
  CHECK(idle_bytes() == 0 && lazy_bytes() <= 0 && lazy_calls == 2);
  CHECK(allocate(3 * MIB) == one && zeroed && one[2 * MIB] == 0);
}

TEST(what_was_given_back_lazily_goes_at_the_end_of_the_decay_time) { assert_true(unit_in_child(expire)); }

/* Buffers that grow from slot to slot, through those whose pages hold what nobody has. */
static void move_into_lazy_slots(void) {
  begin(LONG);
  static const int64_t sizes[] = {100 * KIB, 700 * KIB, 20 * MIB, 100 * MIB};
  uint8_t *held[COUNT_OF(sizes)];
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
      held[i] = allocate_filled(sizes[i]);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
      release(held[i], sizes[i]);
    wait_and_look();
    int64_t size = 100 * KIB;
    uint8_t *buffer = allocate(size);
    unit_write(buffer, size, 1);
    for (int64_t larger; size < 60 * MIB; size = larger) {
      larger = size * 7 / 4096 * 4096;
      slots_expect(buffer, (size_t)size, true);
      uint8_t *moved = allocate(larger);
      slots_expect(NULL, 0, false);
      if (moved != buffer) {
        CHECK(slots_move(buffer, moved, (size_t)size) != SLOTS_REFUSED);
        release(buffer, size);
      }
      buffer = moved;
      CHECK(unit_matches(buffer, size, size, 1));
      unit_write(buffer, larger, 1);
      wait_and_look();
    }
    release(buffer, size);
  }
}

TEST(buffers_move_into_slots_that_were_given_back_lazily) {
  SKIP_IF_ADDRESSES_ARE_FEW();
  assert_true(unit_in_child(move_into_lazy_slots));
}

static int64_t decay_of_none;

static void give_nothing_lazily(void) {
  begin(decay_of_none);
  uint8_t *extent = allocate_filled(3 * MIB);
  release(extent, 3 * MIB);
  CHECK(idle_lazily_after() == INT64_MAX);
  wait_and_look();
  CHECK(lazy_calls == 0 && (decay_of_none == SLOTS_NEVER) == (idle_bytes() > 0));
}

TEST(a_decay_time_that_is_short_or_without_a_limit_is_as_ever) {
  static const int64_t decays[] = {0, 10, 2 * IDLE_LAZILY_AFTER - 100, SLOTS_NEVER};
  for (size_t i = 0; i < COUNT_OF(decays); i++) {
    decay_of_none = decays[i];
    assert_true(unit_in_child(give_nothing_lazily));
  }
}

static void forbid(void) {
  begin(LONG);
  idle_allow_lazily(false);
  release(allocate_filled(3 * MIB), 3 * MIB);
  CHECK(wait_and_look() > LONG / 2 && lazy_calls == 0);
  idle_allow_lazily(true);
  CHECK(slots_expire() > LONG / 2 && lazy_calls == 1);
}

TEST(nothing_is_given_back_lazily_while_that_is_forbidden) { assert_true(unit_in_child(forbid)); }

static void refuse(void) {
  begin(400);
  refused = true;
  uint8_t *extent = allocate_filled(3 * MIB);
  release(extent, 3 * MIB);
  errno = 77;
  CHECK(wait_and_look() <= 400 && lazy_calls == 1 && lazy_bytes() <= 0 && errno == 77);
  CHECK(idle_bytes() == (size_t)(3 * MIB) && extent[0] == 0xff); /* it stays, and goes when it is due */
  sleep_for(400);
  CHECK(slots_expire() == SLOTS_NEVER && idle_bytes() == 0 && lazy_calls == 1);
}

TEST(a_kernel_that_refuses_leaves_pages_until_the_decay_time_is_over) { assert_true(unit_in_child(refuse)); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_free_slot_is_given_back_lazily_and_used_again),
      cmocka_unit_test(a_trimmed_tail_is_given_back_lazily_and_grown_into),
      cmocka_unit_test(pages_that_the_kernel_may_have_taken_come_second),
      cmocka_unit_test(what_was_given_back_lazily_goes_at_the_end_of_the_decay_time),
      cmocka_unit_test(buffers_move_into_slots_that_were_given_back_lazily),
      cmocka_unit_test(a_decay_time_that_is_short_or_without_a_limit_is_as_ever),
      cmocka_unit_test(nothing_is_given_back_lazily_while_that_is_forbidden),
      cmocka_unit_test(a_kernel_that_refuses_leaves_pages_until_the_decay_time_is_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
