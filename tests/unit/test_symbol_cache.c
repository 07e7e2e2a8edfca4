/* What symbol_cache.c remembers. In place of next.c stands a look-up of ours that counts how often it is
 * asked, and answers with something that only the two arguments make. */
#include "unit.h"

#include "shim/next.h"
#include "shim/symbol_cache.h"

#include <stdatomic.h>

static atomic_int asked;
static atomic_bool nothing_found;

/* Names are told apart by their address. Many, so that some lie side by side in the table. */
static const char names[64][16];

static const void *caller(uintptr_t n) { return (const void *)(0x400000 + n * 5); }

static void *expected(const char *name, const void *from) {
  return (void *)((uintptr_t)from * 64 + (uintptr_t)(name - names[0]) / sizeof *names);
}

void *next_symbol_of_caller(const char *name, const void *from) {
  atomic_fetch_add(&asked, 1);
  return atomic_load(&nothing_found) ? NULL : expected(name, from);
}

static int asked_meanwhile(void) { return atomic_exchange(&asked, 0); }

TEST(what_is_not_found_is_looked_for_again) { /* before anything is known */
  atomic_store(&nothing_found, true);
  asked_meanwhile();
  for (int i = 0; i < 3; i++)
    assert_null(symbol_cache_look_up(names[0], caller(0)));
  assert_int_equal(asked_meanwhile(), 3);
  atomic_store(&nothing_found, false);
  assert_ptr_equal(symbol_cache_look_up(names[0], caller(0)), expected(names[0], caller(0)));
}

TEST(the_second_answer_is_the_first_and_needs_no_look_up) {
  assert_ptr_equal(symbol_cache_look_up(names[0], caller(1)), expected(names[0], caller(1)));
  asked_meanwhile();
  for (int i = 0; i < 10; i++)
    assert_ptr_equal(symbol_cache_look_up(names[0], caller(1)), expected(names[0], caller(1)));
  assert_int_equal(asked_meanwhile(), 0);
}

TEST(two_callers_and_two_names_have_an_answer_each) {
  for (int i = 0; i < 2; i++)
    for (uintptr_t n = 2; n < 5; n++)
      for (size_t k = 0; k < COUNT_OF(names); k++)
        assert_ptr_equal(symbol_cache_look_up(names[k], caller(n)), expected(names[k], caller(n)));
  asked_meanwhile();
  for (uintptr_t n = 2; n < 5; n++)
    assert_ptr_equal(symbol_cache_look_up(names[63], caller(n)), expected(names[63], caller(n)));
  assert_int_equal(asked_meanwhile(), 0);
}

#define THREADS 8

static void *ask_what_all_ask(void *index) {
  uint64_t random = (uintptr_t)index;
  for (int i = 0; i < 20000; i++) {
    const void *from = caller(100 + unit_random(&random) % 4);
    const char *name = names[unit_random(&random) % COUNT_OF(names)];
    CHECK(symbol_cache_look_up(name, from) == expected(name, from));
  }
  return NULL;
}

TEST(eight_threads_get_the_right_answers) { unit_run_threads(THREADS, ask_what_all_ask); }

#define CALLERS 1000

static void ask_for_all(void) {
  for (uintptr_t n = 1000; n < 1000 + CALLERS; n++)
    for (size_t k = 0; k < COUNT_OF(names); k++)
      assert_ptr_equal(symbol_cache_look_up(names[k], caller(n)), expected(names[k], caller(n)));
}

TEST(a_full_table_still_answers) { /* last: nothing is ever given back */
  ask_for_all();
  asked_meanwhile();
  ask_for_all();
  assert_in_range(asked_meanwhile(), CALLERS * 64 - 1024, CALLERS * 64 - 1); /* a thousand places at most */
  assert_ptr_equal(symbol_cache_look_up(names[0], caller(1)), expected(names[0], caller(1)));
  assert_int_equal(asked_meanwhile(), 0); /* who came early is still known */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_found_is_looked_for_again),
      cmocka_unit_test(the_second_answer_is_the_first_and_needs_no_look_up),
      cmocka_unit_test(two_callers_and_two_names_have_an_answer_each),
      cmocka_unit_test(eight_threads_get_the_right_answers),
      cmocka_unit_test(a_full_table_still_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
