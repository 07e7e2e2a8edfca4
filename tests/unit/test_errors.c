/* The words for errors are the C library's. */
#include "unit.h"

#include "base/errors.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

TEST(the_texts_of_errors_are_the_c_librarys) {
  int known = 0;
  for (int number = 1; number < 4096; number++)
    if (strcmp(errors_text(number), errors_text(4096)) != 0) {
      assert_string_equal(errors_text(number), strerror(number)); /* the locale is C */
      known++;
    }
  assert_true(known > 40);
}

TEST(an_error_that_is_none_has_a_text_too) {
  static const int numbers[] = {0, -1, -EIO, 58, 4096, INT_MAX, INT_MIN};
  for (size_t i = 0; i < COUNT_OF(numbers); i++)
    assert_string_equal(errors_text(numbers[i]), "Unknown error");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_texts_of_errors_are_the_c_librarys),
      cmocka_unit_test(an_error_that_is_none_has_a_text_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
