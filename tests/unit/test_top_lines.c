/* What `arrowpool top` makes of single processes: growth, shares of limits, command lines, totals by program.
 */
#include "unit.h"

#include "cli/top/command.h"
#include "top_samples.h"

TEST(growth_is_that_of_the_last_minute_and_at_first_of_the_life_of_the_process) {
  top_model m = {0};
  sample s = {.file = "a", .live = 100};
  refresh(&m, &s, 1, 50000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_GROWTH], 3000); /* 100 in 2 s */
  s.live = 400;
  refresh(&m, &s, 1, 50100); /* a second has one value: nothing is known yet of a minute */
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_GROWTH], 3000);
  s.live = 300;
  refresh(&m, &s, 1, 60000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_GROWTH], -600);
  for (int second = 61; second < 200; second++)
    refresh(&m, &(sample){.file = "a", .live = second * 10}, 1, second * 1000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_GROWTH], 600);
  top_model_free(&m);
  refresh(&m, &(sample){.file = "a", .live = 100, .state = STATS_GONE}, 1, 50000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_GROWTH], ARROWPOOL_UNKNOWN);
  top_model_free(&m);
}

TEST(a_share_is_of_the_limit_if_there_is_one) {
  top_model m = {0};
  const sample two[] = {{.file = "a", .live = 700, .limit = 1000}, {.file = "b", .live = 700}};
  refresh(&m, two, 2, 50000);
  assert_int_equal(m.processes[0]->row.shown[TOP_COLUMN_SHARE], 700);
  assert_int_equal(m.processes[0]->pools[0].row.shown[TOP_COLUMN_SHARE], ARROWPOOL_UNKNOWN);
  assert_int_equal(m.processes[1]->row.shown[TOP_COLUMN_SHARE], ARROWPOOL_UNKNOWN);
  top_model_free(&m);
}

TEST(totals_by_program_are_of_its_running_processes_of_a_name) {
  top_model m = {.sort = TOP_COLUMN_LIVE, .by_program = true, .pools = true};
  sample samples[] = {{.file = "a", .program = "etl", .live = 100, .limit = 1000},
                      {.file = "b", .program = "etl", .live = 300, .limit = 1000, .pool = "c:big"},
                      {.file = "c", .program = "etl", .name = "nightly", .live = 7},
                      {.file = "d", .program = "etl", .live = 5000, .state = STATS_GONE},
                      {.file = "e", .program = "old", .live = 5000, .state = STATS_GONE}};
  refresh(&m, samples, 5, 50000);
  assert_string_equal(lines(&m), "etl\n etl\n/c:big etl\n/libc etl\nnightly etl\nnightly/libc old\n");
  const top_process *etl = m.lines[0].process;
  assert_int_equal(etl->pid, 2);
  assert_int_equal(etl->row.shown[TOP_COLUMN_LIVE], 400);
  assert_int_equal(etl->row.shown[TOP_COLUMN_SHARE], 300);
  assert_int_equal(m.lines[2].pool->row.shown[TOP_COLUMN_LIVE], 100);
  assert_int_equal(m.lines[5].process->pid, 0);
  assert_int_equal(m.lines[5].process->state, STATS_GONE);
  m.selected = 3;
  samples[2].live = 900;
  refresh(&m, samples, 3, 51000); /* the selected one moves, and another goes */
  assert_string_equal(lines(&m), "etl\nnightly etl\nnightly/libc etl\n etl\n/c:big etl\n/libc");
  assert_int_equal(m.selected, 0);
  refresh(&m, samples, 2, 52000); /* what was selected is gone */
  assert_string_equal(lines(&m), "etl\n etl\n/c:big etl\n/libc");
  top_model_show_programs(&m, false);
  top_model_arrange(&m);
  assert_string_equal(lines(&m), "b b/c:big a a/libc");
  top_model_show_programs(&m, true);
  top_model_arrange(&m);
  assert_string_equal(lines(&m), "etl\n etl\n/c:big etl\n/libc");
  top_model_free(&m);
}

TEST(a_command_is_shortened_where_that_tells_least) {
  static const struct {
    const char *one, *other;
    int columns;
    const char *shown;
  } cases[] = {
      {"/usr/bin/python3 etl.py", "cat", 80, "python3 etl.py"},
      {"python3 /srv/jobs/of/today/etl.py --fast", "cat", 30, "python3 …/etl.py --fast"},
      {"python3 /srv/jobs/of/today/etl.py --fast", "cat", 40, "python3 /srv/jobs/of/today/etl.py --fast"},
      {"python3 -m dask_worker --nthreads 4 --name 17", "cat", 20,
       "python3 -m dask_worker --nthreads 4 --name 17"},
      {"python3 -m dask_worker --nthreads 4 --name 17", "python3 -m dask_worker --nthreads 4 --name 18", 24,
       "python3 …ads 4 --name 17"},
      {"python3 -m dask_worker --nthreads 4 --name 17", "python3 -m dask_scheduler", 24,
       "python3 -m dask_worker --nthreads 4 --name 17"},
      {"worker --of-the-many --name=äöü17", "worker --of-the-many --name=äöü18", 12, "…-name=äöü17"},
      {"a", "b", 1, "a"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    top_model m = {0};
    char text[COMMAND_BYTES + 8];
    const sample two[] = {{.file = "a", .command = cases[i].one}, {.file = "b", .command = cases[i].other}};
    refresh(&m, two, 2, 50000);
    top_command_fit(m.processes[0], cases[i].columns, true, text);
    if (strcmp(text, cases[i].shown) != 0)
      fail_msg("%zu: %s", i, text);
    top_model_free(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(growth_is_that_of_the_last_minute_and_at_first_of_the_life_of_the_process),
      cmocka_unit_test(a_share_is_of_the_limit_if_there_is_one),
      cmocka_unit_test(totals_by_program_are_of_its_running_processes_of_a_name),
      cmocka_unit_test(a_command_is_shortened_where_that_tells_least),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
