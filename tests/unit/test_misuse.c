/* What tells a live buffer from any other address (page_runs.h, slots.h, backend.h), and that a free or a
 * reallocation of another ends the program with one line (misuse.h), in children. What comes of misuse
 * through the hooks is tests/shim/misuse.bats's business. */
#include "unit.h"

#include "base/misuse.h"
#include "memory/backend.h"
#include "memory/page_runs.h"
#include "memory/slots_table.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)RANGE_UNIT)

static int start(void **state) {
  (void)state;
  void *buffer = backend_jemalloc.allocate(1, 64);
  backend_jemalloc.free(buffer, 1, 64);
  return !range_owns(buffer);
}

TEST(a_block_has_a_note_until_it_is_forgotten_and_no_other_address_has) {
  char *run = page_runs_allocate(2, 64 * PAGE, PAGE);
  static const size_t sizes[] = {1, 64, 1024, 61438, 61439, 65536, 1835008};
  assert_non_null(run);
  assert_false(page_runs_is_noted(run));
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    page_runs_note_requested(run, sizes[i]);
    assert_true(page_runs_is_noted(run));
    assert_false(page_runs_is_noted(run + 8));
    for (size_t inner = 64; inner <= 320; inner += 64)
      assert_false(page_runs_is_noted(run + inner));
    page_runs_forget(run);
    assert_false(page_runs_is_noted(run));
  }
  assert_false(page_runs_is_noted(page_runs_window.base + page_runs_window.size - 64));
}

TEST(a_slots_buffer_is_live_at_its_start_and_claimed_once) {
  static const size_t alignments[] = {PAGE, (size_t)MIB, (size_t)(4 * MIB)};
  for (size_t i = 0; i < COUNT_OF(alignments); i++) {
    size_t size = (size_t)(320 * KIB);
    bool zeroed;
    char *extent = slots_allocate(size, alignments[i], &zeroed);
    assert_true(slots_is_live(extent));
    assert_false(slots_is_live(extent + PAGE) || slots_is_live(extent + 8));
    assert_true(slots_claim(extent));
    assert_false(slots_is_live(extent) || slots_claim(extent));
    slots_release(extent, size);
    assert_false(slots_is_live(extent) || slots_claim(extent));
  }
  char *never = slots_tiers[0].addresses.base + slots_tiers[0].addresses.size - PAGE;
  assert_false(slots_is_live(never) || slots_claim(never) || slots_claim(&never));
}

TEST(what_is_forgotten_can_be_remembered_again) {
  static const size_t sizes[] = {100, 40000, 60000, 1 << 20};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    void *buffer = backend_jemalloc.allocate(sizes[i], 64);
    backend_jemalloc.remember(buffer, sizes[i]);
    assert_int_equal(backend_jemalloc.forget(buffer), sizes[i]);
    assert_int_equal(backend_jemalloc.remember(buffer, sizes[i]), sizes[i]);
    assert_int_equal(backend_jemalloc.recall(buffer), sizes[i]);
    backend_jemalloc.forget(buffer);
    backend_jemalloc.free(buffer, 0, 1);
  }
}

/* ---- the end ---- */

static int line_out;

static void send_line(const char *line) {
  if (write(line_out, line, strlen(line)) < 0)
    _exit(3);
}

/* What a child says that does so with the buffer; it has to end by SIGABRT. */
static const char *last_words(void (*act)(char *buffer), char *buffer) {
  static char said[256];
  int ends[2], status;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGABRT, SIG_DFL); /* cmocka's handler would tell of a failure */
    line_out = ends[1];
    misuse_tell = send_line;
    act(buffer);
    _exit(0);
  }
  close(ends[1]);
  ssize_t length = read(ends[0], said, sizeof said - 1);
  said[length > 0 ? length : 0] = 0;
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  return said;
}

static void assert_ends(void (*act)(char *buffer), char *buffer, const char *address) {
  char expected[256];
  snprintf(expected, sizeof expected, "free or reallocation of %p: not the start of a live buffer",
           (const void *)address);
  assert_string_equal(last_words(act, buffer), expected);
}

static void free_twice(char *buffer) {
  backend_jemalloc.free(buffer, 0, 1);
  backend_jemalloc.free(buffer, 0, 1);
}

static void free_within(char *buffer) { backend_jemalloc.free(buffer + PAGE, 0, 1); }

static void resize_freed(char *buffer) {
  backend_resize how;
  backend_jemalloc.free(buffer, 0, 1);
  backend_jemalloc.reallocate(buffer, (size_t)MIB, (size_t)(3 * MIB), 64, &how);
}

static void recall_forgotten(char *buffer) {
  backend_jemalloc.forget(buffer);
  backend_jemalloc.recall(buffer);
}

TEST(a_large_buffer_that_is_not_live_ends_the_program) {
  SKIP_IF_EMULATED("a fork of what an emulator knows takes long");
  static const size_t alignments[] = {64, (size_t)(2 * MIB)};
  for (size_t i = 0; i < COUNT_OF(alignments); i++) {
    char *buffer = backend_jemalloc.allocate((size_t)MIB, alignments[i]);
    assert_ends(free_twice, buffer, buffer);
    assert_ends(free_within, buffer, buffer + PAGE);
    assert_ends(resize_freed, buffer, buffer);
    backend_jemalloc.free(buffer, (size_t)MIB, alignments[i]);
  }
}

TEST(a_small_buffer_that_was_forgotten_ends_the_program) {
  char *buffer = backend_jemalloc.allocate(100, 64);
  backend_jemalloc.remember(buffer, 100);
  assert_ends(recall_forgotten, buffer, buffer);
  backend_jemalloc.free(buffer, 0, 1);
}

static void free_small_twice(char *buffer) {
  backend_jemalloc.free(buffer, 100, 64);
  backend_jemalloc.free(buffer, 100, 64);
}

TEST(a_small_buffer_that_is_freed_twice_in_a_row_ends_the_program) {
  char *buffer = backend_jemalloc.allocate(100, 64), expected[128];
  snprintf(expected, sizeof expected, "block %p: freed already", (void *)buffer);
  assert_string_equal(last_words(free_small_twice, buffer), expected);
  backend_jemalloc.free(buffer, 100, 64);
}

/* Free it as a block of that size, and so many others that the cache gives blocks back. */
static void overflow_the_cache(char *block, size_t size) {
  static void *others[2000];
  for (size_t i = 0; i < COUNT_OF(others); i++)
    others[i] = backend_jemalloc.allocate(size, 64);
  backend_jemalloc.free(block, size, 64);
  for (size_t i = 0; i < COUNT_OF(others); i++)
    backend_jemalloc.free(others[i], size, 64);
}

static void free_inner(char *buffer) { overflow_the_cache(buffer + 64, 100); }

static void free_with_wrong_size(char *buffer) { overflow_the_cache(buffer, 200); }

TEST(an_inner_pointer_ends_the_program_when_it_goes_back_to_its_slab) {
  char *buffer = backend_jemalloc.allocate(100, 64), expected[128];
  snprintf(expected, sizeof expected, "block %p: freed already, or not the start of one",
           (void *)(buffer + 64));
  assert_string_equal(last_words(free_inner, buffer), expected);
  backend_jemalloc.free(buffer, 100, 64);
}

TEST(a_wrong_size_ends_the_program_when_the_block_goes_back_to_its_slab) {
  char *buffer = backend_jemalloc.allocate(100, 64), expected[128];
  snprintf(expected, sizeof expected, "block %p of 128 bytes: freed as one of 256", (void *)buffer);
  assert_string_equal(last_words(free_with_wrong_size, buffer), expected);
  backend_jemalloc.free(buffer, 100, 64);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_block_has_a_note_until_it_is_forgotten_and_no_other_address_has),
      cmocka_unit_test(a_slots_buffer_is_live_at_its_start_and_claimed_once),
      cmocka_unit_test(what_is_forgotten_can_be_remembered_again),
      cmocka_unit_test(a_large_buffer_that_is_not_live_ends_the_program),
      cmocka_unit_test(a_small_buffer_that_was_forgotten_ends_the_program),
      cmocka_unit_test(a_small_buffer_that_is_freed_twice_in_a_row_ends_the_program),
      cmocka_unit_test(an_inner_pointer_ends_the_program_when_it_goes_back_to_its_slab),
      cmocka_unit_test(a_wrong_size_ends_the_program_when_the_block_goes_back_to_its_slab),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
