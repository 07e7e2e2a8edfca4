/* Limits of the kernel on addresses and data (setrlimit): buffers are refused or copied, and what is not
 * needed any more is given back, addresses included. Each test is a forked child with a range of its own. */
#include "unit.h"
#include "unit_buffers.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUFFERS 4

static int64_t read_statm(int field) {
  char text[128] = "";
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fgets(text, sizeof text, file));
  fclose(file);
  const char *at = text;
  for (; field; field--)
    at = strchr(at, ' ') + 1;
  return atoll(at) * (int64_t)sysconf(_SC_PAGESIZE);
}

/* Several buffers grow in turn, until all are refused or large. */
static void grow_in_turn(unit_buffer *all, int64_t most, bool every) {
  bool grown = true;
  for (int64_t step = 1; grown; step++) {
    grown = false;
    for (int i = 0; i < BUFFERS; i++)
      if (all[i].size < most)
        grown |= unit_grow(&all[i], all[i].size * 3 / 2 < most ? all[i].size * 3 / 2 : most);
  }
  for (int i = 0; i < BUFFERS; i++)
    CHECK(!every || all[i].size == most);
}

static void lower(int resource, int statm_field, int64_t slack, int64_t before) {
  unit_buffer all[BUFFERS];
  for (int i = 0; i < BUFFERS; i++)
    all[i] = unit_make(before, (uint64_t)i);
  unit_limit(resource, read_statm(statm_field) + slack);
  grow_in_turn(all, 200 * MIB, false);
  for (int i = 0; i < BUFFERS; i++)
    unit_drop(&all[i]);
}

static void lower_limits(void) {
  static const struct { int resource, field; } limits[] = {{RLIMIT_AS, 0}, {RLIMIT_DATA, 5}};
  static const int64_t slacks[] = {-64 * MIB, 0, 100 * KIB, 9 * MIB, 70 * MIB};
  static const int64_t sizes[] = {100 * KIB, MIB, 12 * MIB};
  for (size_t i = 0; i < COUNT_OF(limits); i++)
    for (size_t k = 0; k < COUNT_OF(slacks); k++)
      for (size_t n = 0; n < COUNT_OF(sizes); n++) {
        if (fork() == 0) {
          lower(limits[i].resource, limits[i].field, slacks[k], sizes[n]);
          _exit(0);
        }
        int status = 1;
        CHECK(wait(&status) > 0 && status == 0);
      }
}

TEST(a_limit_set_after_the_first_buffers_refuses_or_copies) {
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs addresses itself");
  SKIP_IF_EMULATED("limits are the emulator's own");
  assert_true(unit_in_child(lower_limits));
}

/* 256 MiB in the end, and what each unit_buffer leaves on its way has to be given back, addresses included.
 * Where the buffers lie is drawn: jemalloc's tables are 2 to 4 MiB for each GiB of addresses with one of
 * them. */
static void grow_under_a_limit_on_data(void) {
  unit_limit(RLIMIT_DATA, read_statm(5) + 330 * MIB);
  unit_buffer all[BUFFERS];
  for (int i = 0; i < BUFFERS; i++)
    all[i] = unit_make(64 * KIB, (uint64_t)i);
  grow_in_turn(all, 64 * MIB, true);
  for (int i = 0; i < BUFFERS; i++)
    unit_drop(&all[i]);
}

TEST(under_a_limit_on_data_the_addresses_of_free_slots_are_given_back) {
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs addresses itself");
  SKIP_IF_EMULATED("limits are the emulator's own");
  assert_true(unit_in_child(grow_under_a_limit_on_data));
}

/* There is room for the buffer, and none for jemalloc's table of the addresses that it is drawn: it lies
 * elsewhere, in the room that was opened for it at first. */
static void refuse_tables(void) {
  for (int64_t size = 6 * MIB; size <= 24 * MIB; size *= 2) {
    if (fork() == 0) {
      unit_limit(RLIMIT_DATA, read_statm(5) + 1024 * MIB);
      unit_buffer first = unit_make(MIB, 1);
      unit_limit(RLIMIT_DATA, read_statm(5) + size + 2 * MIB - 64 * KIB);
      unit_buffer b = unit_make(size, (uint64_t)size);
      unit_drop(&b);
      unit_drop(&first);
      _exit(0);
    }
    int status = 1;
    CHECK(wait(&status) > 0 && status == 0);
  }
}

TEST(what_jemalloc_cannot_note_for_lack_of_memory_is_given_back) {
  if (UNIT_SANITIZED)
    SKIP("a sanitizer needs addresses itself");
  SKIP_IF_EMULATED("limits are the emulator's own");
  assert_true(unit_in_child(refuse_tables));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_limit_set_after_the_first_buffers_refuses_or_copies),
      cmocka_unit_test(under_a_limit_on_data_the_addresses_of_free_slots_are_given_back),
      cmocka_unit_test(what_jemalloc_cannot_note_for_lack_of_memory_is_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
