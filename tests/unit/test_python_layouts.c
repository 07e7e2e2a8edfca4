/* Where Python keeps what its stacks are made of (python_layouts.h), and whether memory can be read
 * (readable.h), which is asked before a layout is believed. What the layouts are is compared with the
 * interpreters and their headers in tests/shim/python_frames.bats. */
#include "unit.h"

#include "base/readable.h"
#include "profile/python_layouts.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- layouts ---- */

static python_layout layout;

static bool finds(const char *version, const void *runtime) {
  return python_layouts_find(version, runtime, &layout);
}

TEST(versions_from_9_to_12_are_known) {
  static const char *const known[] = {"3.9.0 (default)", "3.9.25+ (heads/3.9)", "3.10.13 (main) \n[GCC]",
                                      "3.11.2",          "3.11.0rc2 (main)",    "3.12.99 (x)"};
  for (size_t i = 0; i < COUNT_OF(known); i++)
    assert_true(finds(known[i], NULL) && python_layouts_knows(known[i]));
  assert_true(finds("3.9.1", NULL) && layout.instruction_bytes == 1 && layout.frame_instruction == 104);
  assert_true(finds("3.10.1", NULL) && layout.instruction_bytes == 2 && layout.frame_instruction == 96);
}

TEST(others_are_not_and_leave_the_result_alone) {
  static const char *const unknown[] = {"3.8.18 (x)",
                                        "3.1.2",
                                        "3.12.0a7 (main)",
                                        "3.11.0b4",
                                        "2.7.18",
                                        "3.15.0",
                                        "3.120.1",
                                        "4.11.2",
                                        "",
                                        "3.",
                                        "3.11",
                                        "3.11.",
                                        "3.11.x",
                                        "x3.11.2",
                                        "13.11.2",
                                        "3.99999999999999999999.1"};
  memset(&layout, 7, sizeof layout);
  const python_layout before = layout;
  for (size_t i = 0; i < COUNT_OF(unknown); i++)
    assert_false(finds(unknown[i], NULL) || python_layouts_knows(unknown[i]));
  assert_memory_equal(&layout, &before, sizeof before);
}

TEST(of_later_ones_the_version_tells_whether_they_are_known) {
  assert_true(python_layouts_knows("3.13.0 (main)") && python_layouts_knows("3.14.1 (main)"));
  assert_false(finds("3.13.0 (main)", NULL)); /* they tell the rest themselves */
  assert_true(python_layouts_knows("3.13.0 experimental free-threading build (main)"));
  assert_false(python_layouts_knows("3.12.0 experimental free-threading build (main)"));
}

/* A runtime as 3.13 has it, in which each field's position is that of its own place. */
static char runtime[1024];

static void make_runtime(uint64_t version) {
  for (uint64_t at = 0; at < sizeof runtime; at += sizeof at)
    memcpy(runtime + at, &at, sizeof at);
  memcpy(runtime, "xdebugpy", 8);
  memcpy(runtime + 8, &version, sizeof version);
  memset(runtime + 16, 0, 8);
}

#define VERSION_13 0x030d00f0
#define VERSION_14 0x030e00f0

TEST(later_ones_tell_it_themselves) {
  make_runtime(VERSION_13);
  assert_true(finds("3.13.0 (main)", runtime));
  assert_true(layout.thread_frame == 184 && layout.code_file == 280 && layout.text_wide == 560 + 16);
  assert_true(layout.holder_frame == PYTHON_NO_FIELD && layout.instruction_bytes == 2);
  make_runtime(VERSION_14);
  assert_true(finds("3.14.2 (main)", runtime));
  assert_true(layout.thread_frame == 208 && layout.code_file == 320 && layout.text_wide == 640 + 16);
}

TEST(builds_without_a_gil_tell_it_too) {
  make_runtime(VERSION_13);
  runtime[16] = 1;
  assert_true(finds("3.13.0 experimental free-threading build (main)", runtime));
  assert_true(layout.object_type == 360 && layout.object_count == 416 && layout.text_state_skip == 2);
  assert_true(layout.frame_copy == PYTHON_NO_FIELD && layout.code_copies == PYTHON_NO_FIELD);
  make_runtime(VERSION_14);
  assert_true(finds("3.14.2 (main)", runtime) && layout.text_state_skip == 2);
  runtime[16] = 1;
  assert_true(finds("3.14.2 free-threading build (main)", runtime));
  assert_true(layout.frame_copy == 304 && layout.code_copies == 392 && layout.text_state_skip == 8);
  memset(runtime + 304, 0, 8); /* as a build says that has no copies */
  memset(runtime + 392, 0, 8);
  assert_true(finds("3.14.2 free-threading build (main)", runtime));
  assert_true(layout.frame_copy == PYTHON_NO_FIELD && layout.code_copies == PYTHON_NO_FIELD);
  memset(runtime + 392, 0xff, 8);
  assert_false(finds("3.14.2 free-threading build (main)", runtime));
}

TEST(what_they_tell_is_checked) {
  make_runtime(VERSION_13);
  assert_false(finds("3.13.0 (main)", NULL));
  assert_false(finds("3.14.0 (main)", runtime)); /* of another version */
  assert_false(finds("3.12.0a1 (main)", runtime));
  assert_false(finds("3.13.0 experimental free-threading build (main)", runtime));
  assert_false(finds("3.12.0 experimental free-threading build (main)", runtime));
  runtime[16] = 1; /* without a GIL, told by the runtime */
  assert_false(finds("3.13.0 (main)", runtime));
  make_runtime(VERSION_13);
  runtime[0] = 'y';
  assert_false(finds("3.13.0 (main)", runtime));
  make_runtime(VERSION_13);
  memset(runtime + 280, 0xff, 8); /* no position in an object */
  assert_false(finds("3.13.0 (main)", runtime));
}

/* ---- memory ---- */

TEST(the_kernel_tells_what_can_be_read) {
  SKIP_IF_EMULATED("an emulator need not tell");
  long page = sysconf(_SC_PAGESIZE);
  char *memory = mmap(NULL, (size_t)(4 * page), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(memory != MAP_FAILED && readable_can_tell());
  mprotect(memory + page, (size_t)page, PROT_NONE);
  munmap(memory + 3 * page, (size_t)page);
  errno = 4711;
  assert_true(readable(memory, 1) && readable(memory, (size_t)page) && readable(memory + page - 1, 1));
  assert_false(readable(memory, (size_t)page + 1) || readable(memory + page - 1, 2));
  assert_false(readable(memory, (size_t)(3 * page))); /* its ends can be, the middle cannot */
  assert_false(readable(memory + page, 8) || readable(memory + 2 * page - 1, 1));
  assert_true(readable(memory + 2 * page, (size_t)page) && readable(memory + 3 * page - 1, 1));
  assert_false(readable(memory + 3 * page - 1, 2) || readable(memory + 3 * page, 1));
  assert_int_equal(errno, 4711);
}

TEST(what_is_no_address_cannot_be_read) {
  SKIP_IF_EMULATED("an emulator need not tell");
  const uintptr_t addresses[] = {
      0, 1, 8, 4095, UINTPTR_MAX, UINTPTR_MAX - 7, (uintptr_t)1 << 63, 0x5a5a5a5a5a5a5a5a};
  for (size_t i = 0; i < COUNT_OF(addresses); i++)
    assert_false(readable((const void *)addresses[i], 16));
  assert_false(readable(&layout, SIZE_MAX));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(versions_from_9_to_12_are_known),
      cmocka_unit_test(others_are_not_and_leave_the_result_alone),
      cmocka_unit_test(of_later_ones_the_version_tells_whether_they_are_known),
      cmocka_unit_test(later_ones_tell_it_themselves),
      cmocka_unit_test(builds_without_a_gil_tell_it_too),
      cmocka_unit_test(what_they_tell_is_checked),
      cmocka_unit_test(the_kernel_tells_what_can_be_read),
      cmocka_unit_test(what_is_no_address_cannot_be_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
