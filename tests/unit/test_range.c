/* The range where there are few addresses: a kernel for aarch64 may have 39 bits of them. */
#include "unit.h"

#include "range.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define LEFT ((size_t)1 << 38)

static void *occupy(size_t size) {
  void *place = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return place == MAP_FAILED ? NULL : place;
}

static void reserve_among_few(void) {
  void *left = occupy(LEFT);
  CHECK(left);
  for (size_t size = (size_t)1 << 46; size >= (size_t)GIB; size /= 2)
    while (occupy(size)) {
    }
  CHECK(munmap(left, LEFT) == 0);
  CHECK(range_reserve());
  CHECK(range_all.span == LEFT / 2);
  CHECK(range_owns((void *)(range_all.low + LEFT / 2 - 1)) &&
        !range_owns((void *)(range_all.low + LEFT / 2)));
  CHECK(occupy(LEFT / 2)); /* the host has the rest */
  range_window window = {0};
  CHECK(range_carve(&window, (size_t)GIB, range_alignment()) && range_commit(&window, 1) &&
        (*window.base = 1));
  CHECK(!range_carve(&window, LEFT / 2, range_alignment()));
}

TEST(where_addresses_are_few_the_host_keeps_half_of_them) {
  struct rlimit limit;
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs addresses itself");
  if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur != RLIM_INFINITY)
    SKIP("the address space is limited (ulimit -v)");
  assert_true(unit_in_child(reserve_among_few));
}

static void reserve_anywhere(void) {
  range_window window = {0};
  CHECK(range_reserve());
  CHECK(range_page_size() >= (size_t)sysconf(_SC_PAGESIZE) && range_page_size() == RANGE_UNIT);
  CHECK(range_carve(&window, 1, range_alignment()) && unit_aligned(window.base, (int64_t)range_alignment()));
  CHECK(range_commit(&window, 1) && window.writable % range_page_size() == 0);
}

TEST(windows_are_of_whole_pages) { assert_true(unit_in_child(reserve_anywhere)); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(where_addresses_are_few_the_host_keeps_half_of_them),
      cmocka_unit_test(windows_are_of_whole_pages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
