/* Large buffers that have not grown: how they are packed, found and returned (packed.h). Each test has a
 * range of its own, in a forked child. */
#include "unit.h"

#include "arrowpool.h"
#include "memory/backend.h"
#include "memory/idle.h"
#include "memory/packed.h"
#include "memory/packed_cache.h"

#include <jemalloc.h>
#include <string.h>
#include <sys/mman.h>

static const backend *const b = &backend_jemalloc;

static void begin(int64_t decay) {
  backend_jemalloc_configure((slots_policy){.decay = decay});
  backend_jemalloc_start();
}

static uint8_t *allocate(int64_t size) {
  uint8_t *buffer = b->allocate((size_t)size, 64);
  CHECK(buffer && packed_holds(buffer) && packed_is_live(buffer));
  return buffer;
}

static uint8_t *resize(uint8_t *buffer, int64_t old, int64_t size, backend_resize wanted) {
  backend_resize how;
  uint8_t *resized = b->reallocate(buffer, (size_t)old, (size_t)size, 64, &how);
  CHECK(resized && how == wanted);
  return resized;
}

/* ---- where they lie ---- */

static void pack(void) {
  begin(SLOTS_NEVER);
  static const int64_t sizes[] = {PACKED_GRANULE, 100 * KIB, 300 * KIB, MIB, 3 * MIB, 4 * MIB};
  uint8_t *held[COUNT_OF(sizes)], *low = NULL, *high = NULL;
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    held[i] = allocate(sizes[i] < (int64_t)PACKED_GRANULE ? (int64_t)PACKED_GRANULE : sizes[i]);
    unit_write(held[i], sizes[i], i);
    low = !low || held[i] < low ? held[i] : low;
    high = held[i] + sizes[i] > high ? held[i] + sizes[i] : high;
  }
  CHECK(high - low <= 20 * MIB); /* two chunks */
  for (size_t i = 0; i < COUNT_OF(sizes); i++)
    CHECK(unit_matches(held[i], sizes[i], sizes[i], i));
  CHECK(!packed_holds(b->allocate((size_t)(4 * MIB + 1), 64)));
  CHECK(!packed_holds(b->allocate(PACKED_GRANULE - 1, 64)));
  CHECK(!packed_holds(b->allocate((size_t)MIB, (size_t)MIB))); /* an alignment above the page's */
}

TEST(buffers_that_have_not_grown_lie_side_by_side) { assert_true(unit_in_child(pack)); }

static void grow_and_shrink(void) {
  begin(SLOTS_NEVER);
  uint8_t *buffer = allocate(MIB);
  unit_write(buffer, MIB, 1);
  CHECK(resize(buffer, MIB, MIB - 4096, BACKEND_IN_PLACE) == buffer);
  buffer = resize(buffer, MIB - 4096, 300 * KIB, BACKEND_COPIED); /* packed anew */
  CHECK(packed_holds(buffer) && unit_matches(buffer, MIB, 300 * KIB, 1));
  uint8_t *another = allocate(MIB);
  unit_write(another, MIB, 2);
  buffer = resize(buffer, 300 * KIB, 2 * MIB, BACKEND_COPIED); /* what grows has a slot */
  CHECK(!packed_holds(buffer) && unit_matches(buffer, MIB, 300 * KIB, 1));
  CHECK(resize(buffer, 2 * MIB, 8 * MIB, BACKEND_IN_PLACE) == buffer);
  CHECK(unit_matches(another, MIB, MIB, 2));
}

TEST(what_grows_has_a_slot_and_what_shrinks_is_packed_anew) { assert_true(unit_in_child(grow_and_shrink)); }

/* ---- what is idle ---- */

static void keep(void) {
  begin(SLOTS_NEVER);
  uint8_t *held[8];
  for (size_t i = 0; i < COUNT_OF(held); i++)
    memset(held[i] = allocate(MIB), 1, (size_t)MIB);
  CHECK(idle_bytes() == 0);
  for (size_t i = 0; i < COUNT_OF(held); i++)
    b->free(held[i], (size_t)MIB, 64);
  CHECK(idle_bytes() == (size_t)(7 * MIB)); /* the last one is cached, which counts as live */
  CHECK(allocate(MIB) == held[7] && idle_bytes() == (size_t)(7 * MIB));
  held[0] = allocate(MIB);
  CHECK(idle_bytes() == (size_t)(6 * MIB)); /* used again first */
  b->release_unused();
  CHECK(idle_bytes() == 0);
  CHECK(allocate(MIB)[0] == 0 && idle_bytes() == 0);
}

TEST(freed_ones_are_idle_until_they_are_returned) { assert_true(unit_in_child(keep)); }

/* Freed neighbours are one extent, which is much larger than the next buffer. */
static void use_again(void) {
  begin(SLOTS_NEVER);
  uint8_t *held[32];
  for (size_t i = 0; i < COUNT_OF(held); i++)
    held[i] = allocate(2 * MIB);
  for (size_t i = 0; i < COUNT_OF(held); i++)
    b->free(held[i], (size_t)(2 * MIB), 64);
  size_t before = idle_bytes();
  const int64_t small = 2 * PACKED_GRANULE;
  for (int64_t taken = 0; taken < 50 * MIB; taken += small)
    allocate(small);
  CHECK(idle_bytes() + 50 * (size_t)MIB <= before + 4 * (size_t)MIB);
}

TEST(what_was_freed_serves_buffers_of_any_size) { assert_true(unit_in_child(use_again)); }

static void *fill_and_free(void *unused) {
  (void)unused;
  uint8_t *held[64];
  for (size_t i = 0; i < COUNT_OF(held); i++)
    held[i] = allocate(MIB);
  for (size_t i = 0; i < COUNT_OF(held); i++) {
    size_t before = idle_bytes();
    b->free(held[i], (size_t)MIB, 64);
    CHECK(idle_bytes() <= idle_most() && idle_bytes() + 24 * (size_t)MIB >= before);
  }
  return NULL;
}

/* The second thread's arena may be another one, whose idle pages come on top. */
static void exceed(void) {
  begin(SLOTS_NEVER);
  fill_and_free(NULL);
  unit_run_threads(1, fill_and_free);
}

TEST(what_is_idle_beyond_the_bound_goes_and_no_more) { assert_true(unit_in_child(exceed)); }

static void keep_nothing(void) {
  begin(0);
  uint8_t *buffer = allocate(2 * MIB);
  memset(buffer, 1, (size_t)(2 * MIB));
  b->free(buffer, (size_t)(2 * MIB), 64);
  CHECK(idle_bytes() == 0);
  unsigned char page = 0;
  CHECK(mincore(buffer, 4096, &page) == 0 && !(page & 1));
}

TEST(without_a_decay_time_pages_go_at_once) { assert_true(unit_in_child(keep_nothing)); }

/* ---- the cache in front of them ---- */

static uint8_t *freed[25]; /* here: what the flush frees */
static size_t freed_count, freed_size;

static void note_freed(void *extent, size_t size) {
  CHECK(size >= PACKED_GRANULE && size <= PACKED_MOST);
  freed_size = size;
  freed[freed_count++] = extent;
}

static bool was_freed(const char *extent) {
  return freed_count && freed[freed_count - 1] == (uint8_t *)extent;
}

/* Extents are pointers here, which nobody looks into. */
static void cache_extents(void) {
  char memory[8];
  CHECK(!packed_cache_take(1, 2 * MIB));
  CHECK(packed_cache_put(1, &memory[0], 2 * MIB, note_freed) && freed_count == 0);
  CHECK(packed_cache_put(1, &memory[1], 2 * MIB, note_freed) && was_freed(&memory[0])); /* the newest stays */
  CHECK(!packed_cache_put(1, &memory[2], MIB, note_freed));
  CHECK(packed_cache_put(1, &memory[3], MIB - 4096, note_freed) &&
        was_freed(&memory[3])); /* no class's size */
  CHECK(packed_cache_put(1, &memory[3], 1280 * KIB, note_freed) && was_freed(&memory[2])); /* PACKED_MOST */
  CHECK(packed_cache_put(2, &memory[4], 4 * MIB, note_freed) && freed_count == 3);         /* another row */
  CHECK(!packed_cache_take(1, 2 * MIB + 1) && !packed_cache_take(1, MIB / 4 * 3));
  CHECK(packed_cache_take(1, MIB + 5000) == &memory[3]);
  packed_cache_flush(false, note_freed); /* all were used */
  CHECK(freed_count == 3);
  CHECK(packed_cache_take(2, 4 * MIB) == &memory[4]);
  CHECK(packed_cache_put(2, &memory[4], 4 * MIB, note_freed));
  packed_cache_flush(false, note_freed);
  CHECK(freed_count == 4 && was_freed(&memory[1]) && freed_size == (size_t)(2 * MIB));
  packed_cache_flush(true, note_freed);
  CHECK(freed_count == 5 && was_freed(&memory[4]));
  CHECK(packed_cache_put(2, &memory[4], 4 * MIB, note_freed) && freed_count == 5);
}

TEST(the_cache_keeps_one_of_each_class_and_what_is_used) { assert_true(unit_in_child(cache_extents)); }

static void fit_classes(void) {
  begin(0);
  char memory;
  for (size_t size = PACKED_GRANULE; size <= PACKED_MOST; size += 4096) {
    size_t extent = arrowpool_je_nallocx(size, 0);
    packed_cache_put(1, &memory, extent, note_freed);
    CHECK(packed_cache_take(1, size) == &memory);
    packed_cache_put(1, &memory, extent, note_freed);
    CHECK(!packed_cache_take(1, extent + 1));
    CHECK(packed_cache_take(1, extent) == &memory && freed_count == 0);
    packed_cache_put(1, &memory, extent, note_freed);
    packed_cache_flush(true, note_freed);
    CHECK(freed_count == 1 && freed_size == extent);
    freed_count = 0;
  }
}

TEST(its_classes_are_those_of_jemalloc) { assert_true(unit_in_child(fit_classes)); }

/* ---- records ---- */

static void claim(void) {
  begin(SLOTS_NEVER);
  uint8_t *buffer = allocate(MIB);
  CHECK(!packed_is_live(buffer + 4096) && !packed_is_live(buffer + 1) && !packed_is_live(buffer + 512 * KIB));
  CHECK(!packed_is_live(packed_window.base + packed_window.size - 4096)); /* never used */
  packed_set_requested(buffer, 1000001);
  CHECK(packed_requested(buffer) == 1000001 && packed_is_live(buffer));
  packed_note_altered(buffer + 700 * KIB, 4096);
  CHECK(packed_is_altered(buffer) && packed_is_live(buffer) && packed_requested(buffer) == 1000001);
  packed_set_requested(buffer, 77);
  CHECK(packed_is_altered(buffer) && packed_requested(buffer) == 77);
  CHECK(!packed_claim(buffer + 4096) && packed_claim(buffer) && !packed_claim(buffer));
  packed_enter(buffer);
  CHECK(packed_is_live(buffer) && !packed_is_altered(buffer));
}

TEST(of_several_who_free_a_buffer_one_is_told) { assert_true(unit_in_child(claim)); }

static void note_at_the_edges(void) {
  begin(SLOTS_NEVER);
  uint8_t *buffer = allocate(MIB);
  packed_note_altered(packed_window.base - 8192, 4096); /* outside */
  packed_note_altered(packed_window.base + packed_window.size, 4096);
  CHECK(!packed_is_altered(buffer));
  packed_note_altered(packed_window.base - 8192, packed_window.size + 16384); /* all of it, and more */
  CHECK(packed_is_altered(buffer));
  b->free(buffer, (size_t)MIB, 64);
  CHECK(!packed_is_altered(allocate(MIB)));
}

TEST(stretches_may_reach_beyond_the_window) { assert_true(unit_in_child(note_at_the_edges)); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(buffers_that_have_not_grown_lie_side_by_side),
      cmocka_unit_test(what_grows_has_a_slot_and_what_shrinks_is_packed_anew),
      cmocka_unit_test(freed_ones_are_idle_until_they_are_returned),
      cmocka_unit_test(what_was_freed_serves_buffers_of_any_size),
      cmocka_unit_test(what_is_idle_beyond_the_bound_goes_and_no_more),
      cmocka_unit_test(without_a_decay_time_pages_go_at_once),
      cmocka_unit_test(the_cache_keeps_one_of_each_class_and_what_is_used),
      cmocka_unit_test(its_classes_are_those_of_jemalloc),
      cmocka_unit_test(of_several_who_free_a_buffer_one_is_told),
      cmocka_unit_test(stretches_may_reach_beyond_the_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
