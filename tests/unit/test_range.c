/* Where the range lies: among few addresses, of which a kernel for aarch64 may have 39 bits; at random; and
 * not where others map what cannot lie elsewhere. */
#include "unit.h"

#include "memory/backend.h"
#include "memory/range.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

/* ---- at random ---- */

#define STARTS 400

static const size_t sizes[] = {100, 100 << 10, 1 << 20, 20 << 20};

/* The first buffer of each size, as each of many processes gets it. */
static void collect(uintptr_t found[][STARTS]) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  for (int start = 0; start < STARTS; start++) {
    if (fork() == 0) {
      uintptr_t first[COUNT_OF(sizes)];
      for (size_t i = 0; i < COUNT_OF(sizes); i++)
        first[i] = (uintptr_t)backend_jemalloc.allocate(sizes[i], 64);
      _exit(write(ends[1], first, sizeof first) != sizeof first);
    }
    uintptr_t first[COUNT_OF(sizes)];
    int status = 1;
    assert_true(wait(&status) > 0 && status == 0 && read(ends[0], first, sizeof first) == sizeof first);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
      found[i][start] = first[i];
  }
  close(ends[0]);
  close(ends[1]);
}

static int compare(const void *a, const void *b) {
  uintptr_t first = *(const uintptr_t *)a, second = *(const uintptr_t *)b;
  return first < second ? -1 : first > second;
}

/* Of 2^22 places two of 400 are the same once in fifty runs, and four pairs once in hundreds of millions. */
TEST(addresses_cannot_be_guessed) {
  static uintptr_t found[COUNT_OF(sizes)][STARTS];
  if (UNIT_TSAN)
    SKIP("ThreadSanitizer has places for everything");
  SKIP_IF_EMULATED("the emulator chooses the place");
  collect(found);
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    int same = 0;
    qsort(found[i], STARTS, sizeof found[i][0], compare);
    for (int start = 1; start < STARTS; start++)
      same += found[i][start] == found[i][start - 1];
    print_message("%zu bytes: %d of %d addresses differ\n", sizes[i], STARTS - same, STARTS);
    assert_true(same < 4);
  }
}

/* What has only one place: Seastar's memory, ASan's and TSan's heaps, programs that are linked to move, ZGC's
 * heaps. */
static void leave_places_of_others(void) {
  static const uintptr_t others[] = {0x600000000000, 0x602000000000, 0x7b0000000000, 0x555555554000,
                                     0x040000000000, 0x080000000000, 0x100000000000};
  CHECK(range_reserve());
  for (size_t i = 0; i < COUNT_OF(others); i++)
    CHECK(!range_owns((void *)others[i]) && !range_owns((void *)(others[i] + ((uintptr_t)1 << 32))));
}

TEST(the_range_leaves_the_places_of_others) {
  if (UNIT_SANITIZED || sizeof(void *) != 8 || (uintptr_t)&sizes > (uintptr_t)1 << 47)
    SKIP("another layout");
  SKIP_IF_EMULATED("the emulator chooses the place");
  for (int i = 0; i < 50; i++)
    assert_true(unit_in_child(leave_places_of_others));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(where_addresses_are_few_the_host_keeps_half_of_them),
      cmocka_unit_test(windows_are_of_whole_pages),
      cmocka_unit_test(addresses_cannot_be_guessed),
      cmocka_unit_test(the_range_leaves_the_places_of_others),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
