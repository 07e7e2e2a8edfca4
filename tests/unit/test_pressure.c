/* What is read of the kernel's figures on memory that is short (pressure.h, memory_kills.h), from files that
 * are made up. */
#include "base/memory_kills.h"
#include "base/pressure.h"

#include "machine.h"

#include <errno.h>
#include <unistd.h>

static const int64_t second = 1000000;

static pressure of; /* all 0 when a test begins */

static void begin(void) {
  machine_begin();
  memset(&of, 0, sizeof of);
}

static void put_waited(const char *path, const char *kind, int64_t waited) {
  char text[200];
  snprintf(
      text, sizeof text,
      "%s avg10=1.00 avg60=0.00 avg300=0.00 total=%lld\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
      kind, (long long)waited);
  machine_put(path, text);
}

static void put_on_machine(int64_t waited) { put_waited("/proc/pressure/memory", "some", waited); }

static bool rose(int64_t now) { return pressure_rose(&of, machine_root, now); }

TEST(memory_is_short_when_tasks_waited_for_a_tenth_of_the_time) {
  begin();
  put_on_machine(500 * second);
  assert_false(rose(second)); /* what was before the first look does not count */
  put_on_machine(500 * second + second / 10);
  assert_false(rose(2 * second));
  put_on_machine(500 * second + second / 10 + second / 10 + 100);
  assert_true(rose(3 * second));
  assert_false(rose(4 * second));
  machine_end();
}

TEST(looks_in_quick_succession_see_nothing) {
  begin();
  put_on_machine(0);
  assert_false(rose(second));
  put_on_machine(40000);
  assert_false(rose(second + 49999));
  assert_true(rose(second + 50000)); /* from the first look on */
  machine_end();
}

TEST(the_own_group_counts_before_the_machine) {
  begin();
  machine_put("/proc/self/cgroup", "0::/a/b\n");
  machine_put("/proc/self/mountinfo", "30 22 0:26 / /cg rw - cgroup2 none rw\n");
  put_on_machine(0);
  put_waited("/cg/a/b/memory.pressure", "some", 0);
  assert_false(rose(second));
  put_on_machine(second);
  assert_false(rose(2 * second));
  put_waited("/cg/a/b/memory.pressure", "some", second);
  assert_true(rose(3 * second));
  machine_end();
}

/* Version 1 has no such file, and in version 2 it cannot be read where the kernel keeps no figures. */
TEST(a_group_without_the_file_leaves_the_machine) {
  begin();
  machine_put("/proc/self/cgroup", "4:memory:/m\n0::/a\n");
  machine_put("/proc/self/mountinfo", "30 22 0:26 / /cg rw - cgroup2 none rw\n");
  put_on_machine(0);
  assert_false(rose(second));
  put_on_machine(second);
  assert_true(rose(2 * second));
  machine_end();
}

TEST(what_cannot_be_read_is_no_pressure) {
  begin();
  errno = 77;
  assert_false(rose(second));
  assert_false(rose(2 * second));
  assert_int_equal(errno, 77);
  memset(&of, 0, sizeof of);
  put_on_machine(0);
  assert_false(rose(second));
  static const char *const nonsense[] = {"", "some\n", "some total=", "some avg10=0.00\nfull total=9999999\n",
                                         "some avg10=0 total=99999999999999999999999\n"};
  for (size_t i = 0; i < COUNT_OF(nonsense); i++) {
    machine_put("/proc/pressure/memory", nonsense[i]);
    assert_false(rose((int64_t)(i + 2) * second));
  }
  put_waited("/proc/pressure/memory", "full", 100 * second);
  assert_false(rose(20 * second));
  put_on_machine(200 * second); /* since when is not known */
  assert_false(rose(21 * second));
  put_on_machine(150 * second); /* it goes back: another machine's */
  assert_false(rose(22 * second));
  put_on_machine(151 * second);
  assert_true(rose(23 * second));
  machine_end();
}

TEST(no_file_stays_open) {
  begin();
  put_on_machine(0);
  int next = dup(0);
  close(next);
  for (int i = 1; i < 10; i++)
    rose(i * second);
  assert_int_equal(dup(0), next);
  close(next);
  machine_end();
}

/* ---- who was killed for lack of memory (memory_kills.h) ---- */

static memory_kills found(void) {
  memory_kills kills;
  errno = EDOM;
  memory_kills_find(machine_root, &kills);
  assert_int_equal(errno, EDOM);
  return kills;
}

TEST(kills_are_those_of_the_group_in_both_versions_else_of_the_machine) {
  begin();
  assert_int_equal(memory_kills_count(&(memory_kills){.path = ""}), -1);
  memory_kills kills = found();
  assert_string_equal(kills.path, "");
  char line[4096] = "nr_free_pages 5\n"; /* the line lies anywhere in a file that is longer than a buffer */
  for (int i = 0; i < 100; i++)
    strcat(line, "workingset_refault_anon 12\n");
  machine_put("/proc/vmstat", strcat(line, "oom_kill 41\nnuma_foreign 7\n"));
  kills = found();
  assert_int_equal(memory_kills_count(&kills), 41);
  machine_put("/proc/self/cgroup", "0::/a/b\n");
  machine_put("/proc/self/mountinfo", "30 22 0:26 / /cg rw - cgroup2 none rw\n");
  machine_put("/cg/a/b/memory.events", "low 0\nmax 8\noom 3\noom_kill 2\noom_group_kill 0\n");
  kills = found();
  assert_non_null(strstr(kills.path, "/cg/a/b/memory.events"));
  assert_int_equal(memory_kills_count(&kills), 2);
  machine_put("/proc/self/cgroup", "4:memory:/c\n0::/a/b\n");
  machine_put("/proc/self/mountinfo",
              "30 22 0:26 / /cg rw - cgroup2 none rw\n31 22 0:27 / /one rw - cgroup none rw,memory\n");
  machine_put("/one/c/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  kills = found();
  assert_int_equal(memory_kills_count(&kills), 5);
  kills.inode++; /* it is of another group, which has the name now */
  assert_int_equal(memory_kills_count(&kills), -1);
  machine_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_is_short_when_tasks_waited_for_a_tenth_of_the_time),
      cmocka_unit_test(looks_in_quick_succession_see_nothing),
      cmocka_unit_test(the_own_group_counts_before_the_machine),
      cmocka_unit_test(a_group_without_the_file_leaves_the_machine),
      cmocka_unit_test(what_cannot_be_read_is_no_pressure),
      cmocka_unit_test(no_file_stays_open),
      cmocka_unit_test(kills_are_those_of_the_group_in_both_versions_else_of_the_machine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
