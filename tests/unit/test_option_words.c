/* What the options make of words that are nearly right: sizes as others write them, and names that miss ours.
 */
#include "unit.h"

#include "options/options.h"

#include <signal.h>
#include <string.h>

TEST(a_size_that_means_two_things_is_refused_with_the_reason) {
  static const char *const texts[][2] = {
      {"512m", "m is a thousandth to Kubernetes and 1024 * 1024 to docker; "},
      {"1.5m", "m is a thousandth to Kubernetes and 1024 * 1024 to docker; "},
      {"64k", "k is 1000 to Kubernetes and 1024 to docker; "},
      {"64kB", "kB is 1000 bytes to some and 1024 to others; "},
      {"8Gb", "Gb are bits to some and bytes to others; "},
      {"1,5G", "a comma is a decimal point to some and parts thousands to others; "},
      {"12e6", "exponents are not read; "},
      {"512 m", "m is a thousandth to Kubernetes and 1024 * 1024 to docker; "},
      {"1.5", "there are no parts of a byte; "},
      {"much", ""},
      {"", ""},
      {"m", ""},
  };
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    options_value value;
    assert_string_equal(options_reason(&options_table[OPTION_LIMIT], texts[i][0]), texts[i][1]);
    assert_false(options_parse(&options_table[OPTION_LIMIT], texts[i][0], &value));
  }
  assert_string_equal(options_reason(&options_table[OPTION_DECAY], "5m,"), "");
}

TEST(unknown_names_are_found_one_by_one) {
  char long_name[300] = "ARROW_POOL_", name[OPTIONS_NAME_BYTES];
  const char *meant;
  memset(long_name + strlen(long_name), 'X', 200);
  char *const names[] = {"PATH=/bin",
                         "ARROW_POOL=jemalloc",
                         "ARROW_POOL_STATS=off",
                         "ARROW_POOL_STAT=off",
                         "ARROW_POOL_LIMITS=",
                         "ARROWPOOL_BUILD=x",
                         "ARROW_DEFAULT_MEMORY_POOL=system",
                         "ARROW_POOL_THp",
                         long_name,
                         "ARROW_POOL_=1",
                         NULL};
  static const char *const expected[] = {"ARROW_POOL_STAT", "ARROW_POOL_LIMITS", "ARROW_POOL_THp"};
  char *const *at = names;
  for (size_t i = 0; i < COUNT_OF(expected); i++) {
    assert_true(options_next_unknown(&at, name, &meant));
    assert_string_equal(name, expected[i]);
  }
  assert_true(options_next_unknown(&at, name, &meant)); /* told as far as there is room */
  assert_true(strlen(name) == sizeof name - 1 && strncmp(name, long_name, sizeof name - 1) == 0);
  assert_true(options_next_unknown(&at, name, &meant));
  assert_string_equal(name, "ARROW_POOL_");
  assert_false(options_next_unknown(&at, name, &meant));
  char *const *none = NULL;
  assert_false(options_next_unknown(&none, name, &meant));
}

TEST(a_name_that_misses_one_of_ours_is_told_with_it) {
  static const char *const near[][2] = {
      {"ARROWPOOL=jemalloc", "ARROW_POOL"},
      {"ARROWPOOL_LIMIT=1G", "ARROW_POOL_LIMIT"},
      {"ARROW_POOLL=x", "ARROW_POOL"},
      {"ARROW_POOLS=x", "ARROW_POOL"},
      {"ARROW_POL=x", "ARROW_POOL"},
      {"AROW_POOL_STATS=x", "ARROW_POOL_STATS"},
      {"ARROW_POLO=x", "ARROW_POOL"},
      {"ARROW_POOLS_LIMIT=1", "ARROW_POOL_LIMIT"},
      {"arrow_pool_limit=1G", "ARROW_POOL_LIMIT"},
      {"ARROW-POOL=x", "ARROW_POOL"},
      {"ARROWPOOLLIMIT=1G", "ARROW_POOL_LIMIT"},
      {"Arrow_Pool=x", "ARROW_POOL"},
      {"ARROWPOOL_HOLDERS=x", "ARROW_POOL_HOLDERS"},
      {"ARROW_POOL_LIMITS=1", "ARROW_POOL_LIMIT"},
      {"ARROW_POOL_STATSFORMAT=json", "ARROW_POOL_STATS_FORMAT"},
      {"ARROW_POOL_THp=never", "ARROW_POOL_THP"},
  };
  /* Names of others, of ours as they are, and of what builds and tests the project. */
  static const char *const far[] = {
      "ARROW_POOL=jemalloc",
      "ARROW_POOL_LIMIT=1G",
      "ARROW_HOME=/x",
      "ARROW=1",
      "ARROW_USER_SIMD_LEVEL=",
      "ARROW_IO_THREADS=8",
      "ARROW_DEBUG_MEMORY_POOL=warn",
      "ARROWPOOL_SOURCE=/x",
      "ARROWPOOL_LONG=1",
      "ARROWPOOL_PYTHON=/x",
      "ARROWPOOL_BUILD=/x",
      "A=1",
      "=",
      "",
      "ARROW_POLICY=x",
      "POOL=x",
      "ARROW_POOL_HOLDERS=x",
  };
  char name[OPTIONS_NAME_BYTES];
  const char *meant;
  for (size_t i = 0; i < COUNT_OF(near); i++) {
    char *const names[] = {(char *)near[i][0], NULL}, *const *at = names;
    assert_true(options_next_unknown(&at, name, &meant));
    assert_true(strncmp(name, near[i][0], strlen(name)) == 0 && near[i][0][strlen(name)] == '=');
    assert_non_null(meant);
    assert_string_equal(meant, near[i][1]);
  }
  for (size_t i = 0; i < COUNT_OF(far); i++) {
    char *const names[] = {(char *)far[i], NULL}, *const *at = names;
    if (options_next_unknown(&at, name, &meant))
      fail_msg("%s was taken for %s", far[i], meant ? meant : "one of ours");
  }
}

TEST(signals_have_the_c_librarys_names) {
#if __GLIBC_PREREQ(2, 32)
  for (int number = 1; number < NSIG; number++) {
    options_value value;
    const char *name = sigabbrev_np(number);
    if (!name)
      continue;
    bool wanted = number != SIGKILL && number != SIGSTOP; /* no handler can be set for them */
    assert_int_equal(options_parse(&options_table[OPTION_STATS_SIGNAL], name, &value), wanted);
    if (wanted)
      assert_int_equal(value.number, number);
  }
#else
  SKIP("this C library does not tell the names");
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_size_that_means_two_things_is_refused_with_the_reason),
      cmocka_unit_test(unknown_names_are_found_one_by_one),
      cmocka_unit_test(a_name_that_misses_one_of_ours_is_told_with_it),
      cmocka_unit_test(signals_have_the_c_librarys_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
