/* Page runs: how they are handed out, backed and used again (page_runs.h). Some tests share a range, which
 * their group's set-up makes; the others have one of their own, in a forked child. */
#include "unit.h"

#include "base/round_up.h"
#include "memory/backend.h"
#include "memory/page_runs.h"
#include "memory/range.h"

#include <string.h>
#include <sys/mman.h>

#define PAGE ((int64_t)RANGE_UNIT)

static int reserve(void **state) {
  (void)state;
  return !(range_reserve() && page_runs_init(range_uncarved() / 8));
}

static bool is_zero(const uint8_t *from, int64_t size) {
  for (int64_t i = 0; i < size; i++)
    if (from[i])
      return false;
  return true;
}

/* ---- where they lie ---- */

static size_t size_of_run(int i) { return round_up((size_t)((i % 40 + 1) * 4 * KIB), (size_t)PAGE); }

TEST(page_runs_are_zeroed_aligned_and_apart) {
  enum { RUNS = 600 };
  static uint8_t *runs[RUNS];
  if (page_runs_window.size < (size_t)GIB) /* their alignments leave gaps */
    SKIP("addresses are limited: the range is small");
  for (int i = 0; i < RUNS; i++) {
    size_t size = size_of_run(i), alignment = i % 50 ? PAGE : (size_t)PAGE << (i / 50);
    runs[i] = page_runs_allocate((unsigned)i % 70, size, alignment);
    assert_non_null(runs[i]);
    assert_true(unit_aligned(runs[i], (int64_t)alignment));
    assert_true(page_runs_hold(runs[i]) && page_runs_hold(runs[i] + size - 1) && range_owns(runs[i]));
    assert_true(is_zero(runs[i], (int64_t)size));
    unit_write(runs[i], (int64_t)size, (uint64_t)i);
  }
  for (int i = 0; i < RUNS; i++)
    assert_true(unit_matches(runs[i], (int64_t)size_of_run(i), INT64_MAX, (uint64_t)i));
}

TEST(page_runs_of_one_arena_are_neighbours) {
  uint8_t *before = page_runs_allocate(90, PAGE, PAGE);
  for (int i = 0; i < 10; i++) {
    uint8_t *run = page_runs_allocate(90, PAGE, PAGE);
    assert_ptr_equal(run, before + PAGE);
    before = run;
  }
}

TEST(page_runs_hold_large_ones_too_and_refuse_what_does_not_fit) {
  uint8_t *run = page_runs_allocate(1, (size_t)(20 * MIB), PAGE);
  assert_non_null(run);
  run[0] = run[20 * MIB - 1] = 1;
  assert_true(page_runs_hold(run) && page_runs_hold(run + 20 * MIB - 1));
  assert_null(page_runs_allocate(1, (size_t)1 << 46, PAGE));
  assert_null(page_runs_allocate(1, PAGE, (size_t)1 << 62));
  assert_false(page_runs_hold(&run));
}

TEST(a_run_notes_what_was_asked_for_of_each_block) {
  uint8_t *run = page_runs_allocate(2, 64 * PAGE, PAGE);
  assert_non_null(run);
  for (size_t i = 0; i < 64 * PAGE / 64; i++)
    page_runs_note_requested(run + i * 64, 1 + i % 64);
  for (size_t i = 0; i < 64 * PAGE / 64; i++)
    assert_int_equal(page_runs_requested(run + i * 64), 1 + i % 64);
  /* Large blocks, where no slot was left. */
  static const size_t sizes[] = {61438, 61439, 65535, 65536, 1835008, (size_t)7 << 32};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    page_runs_note_requested(run, sizes[i]);
    assert_int_equal(page_runs_requested(run), sizes[i]);
  }
}

/* ---- what backs them ---- */

static void find_advice(const char *line, void *advised) {
  if (!strncmp(line, "VmFlags:", 8))
    *(bool *)advised = strstr(line, " hg");
}

/* Returns whether the mapping of the address was advised to use huge pages. */
static bool is_advised(const uint8_t *address) {
  bool advised = false;
  unit_smaps(address, 1, find_advice, &advised);
  return advised;
}

static bool kernel_has_huge_pages(void) {
  void *page = mmap(NULL, (size_t)PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool has = page != MAP_FAILED && madvise(page, (size_t)PAGE, MADV_HUGEPAGE) == 0 && is_advised(page);
  munmap(page, (size_t)PAGE);
  return has;
}

static uint8_t *mebibyte(unsigned arena) { return page_runs_allocate(arena, (size_t)MIB, (size_t)PAGE); }

static void take_many(void) {
  CHECK(reserve(NULL) == 0);
  page_runs_use_huge_pages((size_t)(2 * MIB));
  for (int i = 0; i < 20; i++)
    CHECK(!is_advised(mebibyte(40)));
  for (int i = 0; i < 4; i++)
    CHECK(is_advised(mebibyte(40)));
  CHECK(!is_advised(mebibyte(41)));
  page_runs_use_huge_pages((size_t)(32 * MIB)); /* larger than what an arena takes at a time */
  for (int i = 0; i < 20; i++)
    mebibyte(42);
  CHECK(!is_advised(mebibyte(42)));
}

TEST(an_arena_that_has_grown_gets_huge_pages) {
  SKIP_IF_EMULATED("the emulator has its own idea of mappings");
  if (!kernel_has_huge_pages())
    SKIP("the kernel has no huge pages");
  assert_true(unit_in_child(take_many));
}

/* ---- what was freed ---- */

static uint8_t *blocks[4096];

/* Allocates blocks of that size, as many as make 64 MiB; returns the highest address in use. */
static uint8_t *allocate_blocks(int64_t size) {
  uint8_t *highest = NULL;
  for (int64_t i = 0; i < 64 * MIB / size; i++) {
    blocks[i] = backend_jemalloc.allocate((size_t)size, 64);
    CHECK(blocks[i] && page_runs_hold(blocks[i]));
    highest = blocks[i] + size > highest ? blocks[i] + size : highest;
  }
  return highest;
}

/* Freed neighbours are one extent, which may be a thousand times as large as the next block. */
static void free_and_allocate_others(void) {
  backend_jemalloc_configure((slots_policy){.decay = SLOTS_NEVER});
  uint8_t *highest = allocate_blocks(16 * KIB);
  for (int round = 0; round < 3; round++) {
    int64_t size = round % 2 ? 16 * KIB : 32 * KIB, freed = round % 2 ? 32 * KIB : 16 * KIB;
    for (int64_t i = 0; i < 64 * MIB / freed; i++)
      backend_jemalloc.free(blocks[i], (size_t)freed, 64);
    CHECK(allocate_blocks(size) <= highest + 4 * MIB);
  }
}

TEST(what_was_freed_serves_blocks_of_any_size) { assert_true(unit_in_child(free_and_allocate_others)); }

int main(void) {
  const struct CMUnitTest direct[] = {
      cmocka_unit_test(page_runs_are_zeroed_aligned_and_apart),
      cmocka_unit_test(page_runs_of_one_arena_are_neighbours),
      cmocka_unit_test(page_runs_hold_large_ones_too_and_refuse_what_does_not_fit),
      cmocka_unit_test(a_run_notes_what_was_asked_for_of_each_block),
  };
  const struct CMUnitTest in_children[] = {
      cmocka_unit_test(an_arena_that_has_grown_gets_huge_pages),
      cmocka_unit_test(what_was_freed_serves_blocks_of_any_size),
  };
  int failed = cmocka_run_group_tests(in_children, NULL, NULL); /* before there is a range */
  return failed + cmocka_run_group_tests(direct, reserve, NULL);
}
