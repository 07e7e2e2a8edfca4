/* The exceptions to what addresses say (ownership.h): a bit for each 16 bytes of address space. No address
 * here is ever touched, so they are made up; each test has a stretch of its own. */
#include "unit.h"

#include "shim/ownership.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define UNIT ((uintptr_t)16)        /* bytes that share a bit */
#define LEAF ((uintptr_t)256 * MIB) /* bytes that share a leaf of the table */

static const void *at(uintptr_t address) { return (const void *)address; }

/* ---- one address ---- */

TEST(nothing_is_there_before_something_was_entered) { /* so this one runs first */
  assert_false(atomic_load(&ownership_in_use));
  assert_false(ownership_has(at(3 * LEAF)));
  assert_false(ownership_look_up(at(3 * LEAF)));
  assert_false(ownership_remove(at(3 * LEAF)));
  assert_false(ownership_look_up(NULL));
  assert_false(ownership_remove(NULL));
  assert_false(atomic_load(&ownership_in_use));
}

TEST(what_is_entered_is_there_until_it_is_struck_off) {
  const void *buffer = at(4 * LEAF + 4096);
  assert_true(ownership_add(buffer));
  assert_true(atomic_load(&ownership_in_use));
  assert_true(ownership_has(buffer) && ownership_look_up(buffer));
  assert_true(ownership_remove(buffer));
  assert_false(ownership_has(buffer));
  assert_false(ownership_remove(buffer)); /* once only */
}

TEST(entering_twice_is_entering_once) {
  const void *buffer = at(4 * LEAF + 8192);
  assert_true(ownership_add(buffer));
  assert_true(ownership_add(buffer));
  assert_true(ownership_remove(buffer));
  assert_false(ownership_has(buffer));
}

TEST(neighbours_do_not_know_of_each_other) {
  /* Within a word of the table, across two words, and across two leaves. */
  const uintptr_t firsts[] = {5 * LEAF + UNIT, 5 * LEAF + 63 * UNIT, 6 * LEAF - UNIT};
  for (size_t i = 0; i < COUNT_OF(firsts); i++) {
    const void *first = at(firsts[i]), *second = at(firsts[i] + UNIT);
    assert_true(ownership_add(first));
    assert_false(ownership_has(second));
    assert_true(ownership_add(second));
    assert_true(ownership_remove(first));
    assert_false(ownership_has(first));
    assert_true(ownership_has(second));
    assert_true(ownership_remove(second));
  }
}

TEST(every_bit_of_a_word_is_an_address_of_its_own) {
  for (uintptr_t i = 0; i < 256; i++)
    assert_true(ownership_add(at(7 * LEAF + i * UNIT)));
  for (uintptr_t i = 0; i < 256; i++) {
    assert_true(ownership_remove(at(7 * LEAF + i * UNIT)));
    for (uintptr_t k = 0; k < 256; k++)
      assert_int_equal(ownership_has(at(7 * LEAF + k * UNIT)), k > i);
  }
}

/* ---- addresses that cannot be entered ---- */

TEST(an_address_that_is_no_multiple_of_16_is_refused) {
  const uintptr_t buffer = 8 * LEAF + 640;
  assert_true(ownership_add(at(buffer)));
  for (uintptr_t off = 1; off < UNIT; off++) {
    assert_false(ownership_add(at(buffer + off)));
    assert_false(ownership_has(at(buffer + off)));
    assert_false(ownership_remove(at(buffer + off)));
  }
  assert_true(ownership_remove(at(buffer))); /* still there */
}

TEST(an_address_beyond_48_bits_is_refused) {
  const uintptr_t low = 9 * LEAF + UNIT;
  assert_true(ownership_add(at(low)));
  for (int bit = 48; bit < 64; bit++) {
    const void *far = at(low | (uintptr_t)1 << bit);
    assert_false(ownership_add(far));
    assert_false(ownership_has(far));
    assert_false(ownership_remove(far));
  }
  assert_true(ownership_remove(at(low)));
}

TEST(the_first_and_the_last_address_can_be_entered) {
  const uintptr_t ends[] = {UNIT, ((uintptr_t)1 << 48) - UNIT};
  for (size_t i = 0; i < COUNT_OF(ends); i++) {
    assert_true(ownership_add(at(ends[i])));
    assert_true(ownership_has(at(ends[i])));
    assert_true(ownership_remove(at(ends[i])));
  }
}

TEST(errno_is_kept) {
  errno = EDOM;
  assert_true(ownership_add(at(10 * LEAF))); /* makes a leaf */
  ownership_add(at(10 * LEAF + 1));
  ownership_remove(at(10 * LEAF));
  ownership_look_up(at(11 * LEAF));
  assert_int_equal(errno, EDOM);
}

/* ---- many ---- */

#define PLACES 4096 /* around the border of two leaves */

TEST(random_operations_agree_with_a_plain_table) {
  const uintptr_t base = 13 * LEAF - PLACES / 2 * UNIT;
  bool model[PLACES] = {false};
  uint64_t random = 1;
  for (int i = 0; i < 300000; i++) {
    uint64_t place = unit_random(&random) % PLACES;
    const void *buffer = at(base + place * UNIT);
    switch (unit_random(&random) % 3) {
    case 0:
      assert_true(ownership_add(buffer));
      model[place] = true;
      break;
    case 1:
      assert_int_equal(ownership_remove(buffer), model[place]);
      model[place] = false;
      break;
    default:
      assert_int_equal(ownership_has(buffer), model[place]);
    }
  }
  for (size_t place = 0; place < PLACES; place++)
    assert_int_equal(ownership_remove(at(base + place * UNIT)), model[place]);
}

#define THREADS 8
#define ROUNDS  20000

/* Each thread has every eighth bit, so that a word is shared by all of them. */
static void *enter_and_strike_among_others(void *index) {
  uint64_t random = (uintptr_t)index;
  for (int i = 0; i < ROUNDS; i++) {
    uintptr_t place = unit_random(&random) % 32 * THREADS + (uintptr_t)index;
    const void *buffer = at(14 * LEAF + place * UNIT);
    CHECK(!ownership_has(buffer) && !ownership_remove(buffer));
    CHECK(ownership_add(buffer));
    CHECK(ownership_has(buffer));
    CHECK(ownership_remove(buffer));
    CHECK(!ownership_has(buffer));
  }
  return NULL;
}

TEST(eight_threads_on_neighbouring_bits_do_not_disturb_each_other) {
  unit_run_threads(THREADS, enter_and_strike_among_others);
  for (uintptr_t place = 0; place < 32 * THREADS; place++)
    assert_false(ownership_has(at(14 * LEAF + place * UNIT)));
}

/* All threads come to leaves that do not exist yet: none may lose what another entered there. */
static void *enter_in_new_leaves(void *index) {
  for (uintptr_t i = 0; i < 200; i++)
    CHECK(ownership_add(at((1000 + i) * LEAF + (uintptr_t)index * UNIT)));
  return NULL;
}

TEST(eight_threads_may_come_to_a_new_stretch_at_once) {
  unit_run_threads(THREADS, enter_in_new_leaves);
  for (uintptr_t i = 0; i < 200; i++)
    for (uintptr_t k = 0; k < THREADS; k++)
      assert_true(ownership_remove(at((1000 + i) * LEAF + k * UNIT)));
}

static atomic_int struck;

static void *strike_what_all_strike(void *index) {
  (void)index;
  for (uintptr_t i = 0; i < PLACES; i++)
    atomic_fetch_add(&struck, ownership_remove(at(15 * LEAF + i * UNIT)));
  return NULL;
}

TEST(of_many_who_strike_one_succeeds) {
  for (uintptr_t i = 0; i < PLACES; i++)
    assert_true(ownership_add(at(15 * LEAF + i * UNIT)));
  unit_run_threads(THREADS, strike_what_all_strike);
  assert_int_equal(atomic_load(&struck), PLACES);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_there_before_something_was_entered),
      cmocka_unit_test(what_is_entered_is_there_until_it_is_struck_off),
      cmocka_unit_test(entering_twice_is_entering_once),
      cmocka_unit_test(neighbours_do_not_know_of_each_other),
      cmocka_unit_test(every_bit_of_a_word_is_an_address_of_its_own),
      cmocka_unit_test(an_address_that_is_no_multiple_of_16_is_refused),
      cmocka_unit_test(an_address_beyond_48_bits_is_refused),
      cmocka_unit_test(the_first_and_the_last_address_can_be_entered),
      cmocka_unit_test(errno_is_kept),
      cmocka_unit_test(random_operations_agree_with_a_plain_table),
      cmocka_unit_test(eight_threads_on_neighbouring_bits_do_not_disturb_each_other),
      cmocka_unit_test(eight_threads_may_come_to_a_new_stretch_at_once),
      cmocka_unit_test(of_many_who_strike_one_succeeds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
