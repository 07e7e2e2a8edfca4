/* The thread that starts jemalloc ends, and others get what it leaves behind, its thread cache too. */
#include "memory/backend.h"
#include "memory/range.h"
#include "unit.h"

static void *start(__attribute__((unused)) void *index) {
  backend_jemalloc.free(backend_jemalloc.allocate(100, 64), 100, 64);
  return NULL;
}

static void *take_what_is_there(__attribute__((unused)) void *index) {
  static const size_t sizes[] = {20 * KIB, 28 * KIB, 40 * KIB, 60 * KIB};
  void *blocks[100];
  for (size_t i = 0; i < COUNT_OF(blocks); i++) {
    blocks[i] = backend_jemalloc.allocate(sizes[i % COUNT_OF(sizes)], 64);
    CHECK(range_owns(blocks[i]));
  }
  for (size_t i = 0; i < COUNT_OF(blocks); i++)
    backend_jemalloc.free(blocks[i], 0, 1);
  return NULL;
}

TEST(what_the_first_thread_leaves_behind_lies_in_the_range) {
  unit_run_threads(1, start);
  unit_run_threads(8, take_what_is_there); /* some of them in the arena of the first */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_the_first_thread_leaves_behind_lies_in_the_range)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
