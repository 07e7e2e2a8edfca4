/* What the kernel refuses while buffers grow, and what a program did to the pages of a buffer: nothing of it
 * may reach the contents, the next buffer, or anybody else's memory. Each test is a forked child with a range
 * of its own. */
#include "unit.h"
#include "unit_buffers.h"

#include "arrowpool.h"
#include "memory/backend.h"
#include "memory/range.h"
#include "memory/slots.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- moves that stop half way ---- */

/* Leave the process as few mappings as `left`. */
static void use_up_mappings(int left) {
  size_t most = range_kernel_number("/proc/sys/vm/max_map_count", 65530) + 100, page = range_page_size();
  char *area = mmap(NULL, 2 * most * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(area != MAP_FAILED);
  size_t made = 0;
  while (made < most && mprotect(area + 2 * made * page, page, PROT_READ) == 0)
    made++;
  CHECK(made < most);
  for (int i = 0; i < left; i += 2) /* each gives two back */
    CHECK(mprotect(area + 2 * --made * page, page, PROT_NONE) == 0);
}

/* Mappings of the program's own within the buffer, which nobody told us of. */
static void split(const unit_buffer *b) {
  for (uint8_t *at = b->data; at + MIB <= b->data + b->size; at += 2 * MIB)
    CHECK(madvise((void *)((uintptr_t)at & ~(uintptr_t)4095), (size_t)MIB, MADV_DONTFORK) == 0);
}

static void stop_half_way(void) {
  for (int left = 10; left <= 90; left += 20) {
    if (fork() == 0) {
      unit_buffer b = unit_make(60 * MIB, (uint64_t)left);
      split(&b);
      use_up_mappings(left);
      for (int64_t size = 250 * MIB; size <= 1100 * MIB; size *= 2)
        unit_grow(&b, size);
      unit_drop(&b);
      _exit(0);
    }
    int status = 1;
    CHECK(wait(&status) > 0 && status == 0);
  }
}

TEST(a_move_that_stops_half_way_loses_nothing) {
  SKIP_IF_EMULATED("pages do not move");
  if (UNIT_TSAN)
    SKIP("ThreadSanitizer needs mappings itself");
  assert_true(unit_in_child(stop_half_way));
}

/* ---- gaps ---- */

static char *use_range(size_t size) {
  range_window window = {0};
  CHECK(range_reserve() && range_carve(&window, size, range_alignment()) && range_commit(&window, size));
  memset(window.base, 1, size);
  return window.base;
}

static void fill(void) {
  size_t page = RANGE_UNIT, size = 64 * page;
  char *base = use_range(size);
  CHECK(range_fill_gaps(base, size) == RANGE_AS_WAS && base[0] == 1);
  CHECK(munmap(base + 8 * page, 4 * page) == 0 && munmap(base + 40 * page, page) == 0);
  CHECK(range_fill_gaps(base, size) == RANGE_FRESH);
  for (size_t i = 0; i < 64; i++)
    CHECK(base[i * page] == !((i >= 8 && i < 12) || i == 40));
  CHECK(range_renew(base, size) == RANGE_FRESH && base[0] == 0 && range_owns(base));
}

TEST(gaps_are_filled_and_what_is_mapped_stays) { assert_true(unit_in_child(fill)); }

/* What may not be written to may be kept all the same. */
static void close_gap(void) {
  size_t page = RANGE_UNIT, size = 64 * page;
  char *base = use_range(size);
  CHECK(munmap(base + 8 * page, 4 * page) == 0);
  unit_limit(RLIMIT_DATA, 4096); /* 0 is none, for Linux */
  CHECK(range_fill_gaps(base, size) == RANGE_CLOSED && range_is_mapped(base, size) && base[0] == 1);
  CHECK(range_owns(base + 9 * page));
  unit_limit(RLIMIT_DATA, (int64_t)RLIM_INFINITY);
  CHECK(range_make_writable(base + 8 * page, 4 * page) && base[9 * page] == 0);
}

TEST(a_gap_that_may_not_be_written_to_is_kept) {
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs memory itself");
  SKIP_IF_EMULATED("limits are the emulator's own");
  assert_true(unit_in_child(close_gap));
}

static void lose_gap(void) {
  size_t page = RANGE_UNIT, size = 64 * page;
  char *base = use_range(size);
  CHECK(munmap(base + 8 * page, 4 * page) == 0);
  unit_limit(RLIMIT_AS, 0);
  CHECK(range_fill_gaps(base, size) == RANGE_LOST);
  CHECK(range_owns(base + 7 * page) && range_owns(base + 12 * page));
  CHECK(!range_owns(base + 8 * page) && !range_owns(base + 12 * page - 1));
}

TEST(a_gap_that_is_lost_is_a_strangers) {
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs memory itself");
  SKIP_IF_EMULATED("limits are the emulator's own");
  assert_true(unit_in_child(lose_gap));
}

/* ---- what the program did to its pages ---- */

typedef enum alteration { GUARD, READ_ONLY, WIPE, NO_CHILD, LOCK, FILE_OF_ITS_OWN, ALTERATIONS } alteration;

static void alter(uint8_t *page, size_t size, alteration how) {
  static int file = -1;
  switch (how) {
  case GUARD:
    CHECK(mprotect(page, size, PROT_NONE) == 0);
    break;
  case READ_ONLY:
    CHECK(mprotect(page, size, PROT_READ) == 0);
    break;
  case WIPE:
    CHECK(madvise(page, size, MADV_WIPEONFORK) == 0);
    break;
  case NO_CHILD:
    CHECK(madvise(page, size, MADV_DONTFORK) == 0);
    break;
  case LOCK:
    CHECK(mlock(page, size) == 0);
    break;
  default:
    file = memfd_create("of its own", 0);
    CHECK(file >= 0 && ftruncate(file, (off_t)size) == 0 &&
          mmap(page, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == page);
  }
}

/* The buffer is like any other: it can be written to, and a child has it. */
static void check_ordinary(unit_buffer b) {
  memset(b.data, 1, (size_t)b.size);
  unit_write(b.data, b.size, b.tag);
  if (fork() == 0) {
    CHECK(unit_matches(b.data, b.size, b.size, b.tag));
    _exit(0);
  }
  int status = 1;
  CHECK(wait(&status) > 0 && status == 0);
  unsigned locked = 0;
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  while (file && fgets(line, sizeof line, file))
    sscanf(line, "VmLck: %u", &locked);
  CHECK(file && fclose(file) == 0 && locked == 0);
}

/* Makes buffers until one has the page: one of the same size, which may get it as it is, and then, where the
 * unit_buffer did not have a slot of its own, of 64 KiB, which fill every gap. */
static void use_anew(const uint8_t *page, int64_t size) {
  unit_buffer again[256];
  size_t count = 0;
  bool has_it = false;
  while (!has_it && count < COUNT_OF(again)) {
    unit_buffer b = again[count] = unit_make(!count || size > 4 * MIB ? size : 64 * KIB, 2);
    count++;
    has_it = page >= b.data && page < b.data + b.size;
  }
  CHECK(has_it);
  check_ordinary(again[count - 1]);
  while (count)
    unit_drop(&again[--count]);
}

/* `told`: as the shim does, which sees the calls. Without that, pages are looked at before they are used
 * anew. */
static void give_altered_pages_back(bool told, int64_t moving_to) {
  static const int64_t sizes[] = {100 * KIB, 128 * KIB, MIB, 3 * MIB, 40 * MIB};
  for (alteration how = 0; how < ALTERATIONS; how++)
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
      bool readable = how != GUARD;
      if (moving_to && !readable) /* nobody could copy it */
        continue;
      unit_buffer b = unit_make(sizes[i], 1);
      uint8_t *page = (uint8_t *)((uintptr_t)(b.data + sizes[i] / 2) & ~(uintptr_t)4095);
      alter(page, 4096, how);
      if (how == FILE_OF_ITS_OWN)
        unit_write(b.data, b.size, b.tag);
      if (told)
        backend_jemalloc_note_altered(page, 4096);
      if (moving_to)
        CHECK(arrowpool_reallocate(arrowpool_jemalloc(), b.size, moving_to, 64, &b.data) == ARROWPOOL_OK &&
              unit_matches(b.data, b.size, b.size, b.tag));
      arrowpool_free(arrowpool_jemalloc(), b.data, moving_to ? moving_to : b.size, 64);
      if (!told)
        arrowpool_release_unused(arrowpool_jemalloc());
      use_anew(page, sizes[i]);
    }
}

/* The kernel takes what was altered, and gives nothing in its place as long as addresses are limited. */
static void renew_under_a_limit(void) {
  unit_buffer held[8];
  for (size_t i = 0; i < COUNT_OF(held); i++)
    held[i] = unit_make(MIB, i);
  uint8_t *altered = held[3].data + 512 * KIB;
  for (size_t i = 2; i < COUNT_OF(held); i++)
    unit_drop(&held[i]);
  alter(altered, 4096, GUARD); /* unseen, and after its end, as only a bare system call can */
  struct rlimit before;
  CHECK(getrlimit(RLIMIT_AS, &before) == 0);
  unit_limit(RLIMIT_AS, 0);
  arrowpool_release_unused(arrowpool_jemalloc());
  CHECK(setrlimit(RLIMIT_AS, &before) == 0);
  unit_buffer again[256];
  for (size_t i = 0; i < COUNT_OF(again); i++)
    again[i] = unit_make(64 * KIB, i); /* written to */
  for (size_t i = 0; i < COUNT_OF(again); i++)
    unit_drop(&again[i]);
  unit_drop(&held[0]);
  unit_drop(&held[1]);
}

TEST(a_gap_that_is_left_serves_nobody_until_it_is_usable) {
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs memory itself");
  SKIP_IF_EMULATED("limits are the emulator's own");
  assert_true(unit_in_child(renew_under_a_limit));
}

static void alter_and_free(void) { give_altered_pages_back(true, 0); }
static void alter_unseen_and_free(void) { give_altered_pages_back(false, 0); }
static void alter_and_grow(void) { give_altered_pages_back(true, 100 * MIB); }
static void alter_unseen_and_grow(void) { give_altered_pages_back(false, 100 * MIB); }

TEST(the_next_buffer_has_pages_of_its_own) {
  SKIP_IF_EMULATED("the emulator has its own idea of pages");
  assert_true(unit_in_child(alter_and_free));
}
TEST(pages_that_were_changed_unseen_are_found_when_they_go_back) {
  SKIP_IF_EMULATED("the emulator has its own idea of pages");
  assert_true(unit_in_child(alter_unseen_and_free));
}
TEST(the_old_place_of_a_buffer_that_grew_has_pages_of_its_own) {
  SKIP_IF_EMULATED("the emulator has its own idea of pages");
  assert_true(unit_in_child(alter_and_grow));
}
TEST(likewise_where_they_were_changed_unseen) {
  SKIP_IF_EMULATED("the emulator has its own idea of pages");
  assert_true(unit_in_child(alter_unseen_and_grow));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_move_that_stops_half_way_loses_nothing),
      cmocka_unit_test(gaps_are_filled_and_what_is_mapped_stays),
      cmocka_unit_test(a_gap_that_may_not_be_written_to_is_kept),
      cmocka_unit_test(a_gap_that_is_lost_is_a_strangers),
      cmocka_unit_test(a_gap_that_is_left_serves_nobody_until_it_is_usable),
      cmocka_unit_test(the_next_buffer_has_pages_of_its_own),
      cmocka_unit_test(pages_that_were_changed_unseen_are_found_when_they_go_back),
      cmocka_unit_test(the_old_place_of_a_buffer_that_grew_has_pages_of_its_own),
      cmocka_unit_test(likewise_where_they_were_changed_unseen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
