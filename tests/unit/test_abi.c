/* A function made by ABI_ENTRY, called the way C++ calls one that returns an object (abi.h). */
#include "unit.h"

#include "arrow/abi.h"

#include <string.h>

#if ABI_KNOWN
static uintptr_t seen[5];
static void *answer = seen;
static const void *caller;

ABI_BODY(five)(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, void **result) {
  memcpy(seen, (uintptr_t[]){a, b, c, d, e}, sizeof seen);
  caller = __builtin_return_address(0);
  *result = answer;
}
ABI_ENTRY(entry_of_five, "hidden", five)

typedef abi_object (*function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

static __attribute__((noinline)) abi_object call(function f) {
  abi_object object = f(1, 2, UINTPTR_MAX, 4, 5);
  object.unused[0] = NULL; /* not a tail call: it has to come back here */
  return object;
}

TEST(arguments_and_result_arrive) {
  abi_object object = call((function)(void *)entry_of_five);
  static const uintptr_t expected[] = {1, 2, UINTPTR_MAX, 4, 5};
  assert_ptr_equal(object.state, answer);
  assert_memory_equal(seen, expected, sizeof seen);
}

TEST(the_return_address_is_the_callers) {
  call((function)(void *)entry_of_five);
  assert_in_range((uintptr_t)caller, (uintptr_t)call, (uintptr_t)call + 512);
}
#else
TEST(arguments_and_result_arrive) { SKIP("this processor has no ABI_ENTRY"); }
TEST(the_return_address_is_the_callers) { SKIP("this processor has no ABI_ENTRY"); }
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arguments_and_result_arrive),
      cmocka_unit_test(the_return_address_is_the_callers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
