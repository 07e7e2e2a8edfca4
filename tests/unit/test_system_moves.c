/* What the system backend says that realloc did (backend_system.c): pages that glibc moved are no bytes that
 * were copied. */
#include "unit.h"

#include "memory/backend.h"
#include "memory/system_calls.h"

#include <malloc.h>

/* Grows a buffer that cannot stay where it is, and returns how it came to its new place. */
static backend_resize grow_elsewhere(size_t size, size_t alignment) {
  backend_resize how = BACKEND_IN_PLACE;
  void *others[64], *buffer = NULL;
  for (size_t i = 0; i < COUNT_OF(others); i++) { /* the mappings of a size lie one beside the other */
    others[i] = backend_system.allocate(size, alignment);
    CHECK(others[i]);
    if (i == COUNT_OF(others) / 2)
      buffer = others[i];
  }
  unit_write(buffer, (int64_t)size, 7);
  void *grown = backend_system.reallocate(buffer, size, 100 * size, alignment, &how);
  CHECK(grown && (how == BACKEND_IN_PLACE) == (grown == buffer));
  CHECK(unit_matches(grown, (int64_t)size, INT64_MAX, 7) && unit_aligned(grown, (int64_t)alignment));
  others[COUNT_OF(others) / 2] = grown;
  for (size_t i = 0; i < COUNT_OF(others); i++)
    backend_system.free(others[i], 0, alignment);
  return how;
}

TEST(the_system_tells_pages_that_moved_from_bytes_that_were_copied) {
  assert_int_equal(grow_elsewhere(1000, 64), BACKEND_COPIED);
  if (UNIT_SANITIZED) { /* its allocator is another */
    assert_int_equal(grow_elsewhere(MIB, 64), BACKEND_COPIED);
    return;
  }
  assert_true(system_moves_pages);
  mallopt(M_MMAP_THRESHOLD, 128 * KIB); /* for good: the tests before have raised it */
  assert_int_equal(grow_elsewhere(MIB, 64), BACKEND_REMAPPED);
  assert_int_equal(grow_elsewhere(MIB, 4096), BACKEND_REMAPPED);
  assert_int_equal(grow_elsewhere(64 * KIB, 64), BACKEND_COPIED); /* it was none of those before */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_system_tells_pages_that_moved_from_bytes_that_were_copied)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
