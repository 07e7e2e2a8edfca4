/* The model of `arrowpool top`: rates, history, order and choice of lines, columns and cells. Figures are
 * made up here; no file is read and no terminal is needed. */
#include "unit.h"

#include "top_samples.h"

static const sample three[] = {
    {.file = "a", .program = "etl", .pid = 30, .live = 100, .allocations = 2},
    {.file = "b", .program = "Dask", .pid = 20, .live = 300, .allocations = 9, .pool = "c:big"},
    {.file = "c", .pid = 10, .live = 200, .allocations = 4, .state = STATS_GONE},
};

TEST(a_rate_is_that_of_the_time_since_the_last_refresh) {
  top_model m = {0};
  sample s = {.file = "a", .allocations = 100, .copied = 1, .bytes_copied = 1000};
  refresh(&m, &s, 1, 50000);
  s.allocations += 30;
  s.bytes_copied += 4000;
  refresh(&m, &s, 1, 52500);
  const int64_t *shown = m.lines[0].process->row.shown;
  assert_int_equal(shown[TOP_COLUMN_ALLOCS], 12000);
  assert_int_equal(shown[TOP_COLUMN_COPIES], 0);
  assert_int_equal(shown[TOP_COLUMN_COPIED], 1600000);
  top_model_free(&m);
}

TEST(the_first_rate_is_that_of_the_time_since_the_process_started) {
  top_model m = {0};
  sample s = {.file = "a", .allocations = 100, .copied = 1};
  refresh(&m, &s, 1, 50000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_ALLOCS], 50000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_COPIES], 500);
  top_model_free(&m);
}

TEST(the_first_rate_of_a_process_that_is_gone_is_not_known) {
  top_model m = {0};
  refresh(&m, &three[2], 1, 50000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_ALLOCS], ARROWPOOL_UNKNOWN);
  refresh(&m, &three[2], 1, 51000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_ALLOCS], 0);
  top_model_free(&m);
}

TEST(a_rate_is_never_negative_or_of_no_time) {
  top_model m = {0};
  sample s = {.file = "a", .allocations = 100};
  refresh(&m, &s, 1, 50000);
  s.allocations = 40;
  refresh(&m, &s, 1, 51000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_ALLOCS], 0);
  s.allocations = 50;
  refresh(&m, &s, 1, 51000);
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_ALLOCS], 0);
  top_model_free(&m);
}

TEST(what_no_pool_knows_is_unknown_and_what_some_know_is_summed) {
  top_model m = {0};
  pool_view pools[] = {pool_of(&(sample){.live = ARROWPOOL_UNKNOWN, .allocations = 6, .pool = "libc"}),
                       pool_of(&(sample){.live = 70, .allocations = 4, .pool = "arrow.mimalloc"})};
  stats f = {.process.time = 1000, .pools = pools, .pool_count = 1};
  top_model_begin(&m);
  top_model_add(&m, "a", &f, 5000);
  f.pool_count = 2;
  top_model_add(&m, "b", &f, 5000);
  top_model_end(&m);
  top_model_arrange(&m);
  assert_string_equal(lines(&m), "a b");
  assert_int_equal(m.lines[0].process->row.shown[TOP_COLUMN_LIVE], ARROWPOOL_UNKNOWN);
  assert_int_equal(m.lines[1].process->row.shown[TOP_COLUMN_LIVE], 70);
  assert_int_equal(m.lines[1].process->row.shown[TOP_COLUMN_ALLOCS], 10000);
  top_model_free(&m);
}

TEST(totals_are_of_running_processes) {
  top_model m = {0};
  char text[128];
  refresh(&m, three, 3, 50000);
  assert_int_equal(m.totals[TOP_COLUMN_LIVE], 400);
  top_model_begin(&m);
  add(&m, &three[2], 51000);
  m.unreadable++;
  top_model_end(&m);
  assert_int_equal(m.totals[TOP_COLUMN_LIVE], 0);
  top_describe(&m, text, sizeof text);
  assert_string_equal(text, "1 processes, 1 gone, 1 unreadable");
  top_model_free(&m);
}

TEST(lines_are_in_the_order_of_the_chosen_column) {
  static const struct {
    const char *field, *order, *reversed;
  } cases[] = {
      {"live", "b c a", "a c b"},  {"pid", "c b a", "a b c"},     {"allocs", "b a c", "a b c"},
      {"state", "c a b", "a b c"}, {"program", "b a c", "c a b"},
  };
  top_model m = {0};
  refresh(&m, three, 3, 50000);
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    m.sort = top_find_column(cases[i].field);
    m.reverse = false;
    top_model_arrange(&m);
    assert_string_equal(lines(&m), cases[i].order);
    m.reverse = true; /* what is unknown stays last, equal ones stay as they are */
    top_model_arrange(&m);
    assert_string_equal(lines(&m), cases[i].reversed);
  }
  top_model_free(&m);
}

TEST(pools_stand_below_their_process) {
  top_model m = {.sort = TOP_COLUMN_LIVE};
  refresh(&m, three, 3, 50000);
  m.processes[2]->expanded = true;
  top_model_arrange(&m);
  assert_string_equal(lines(&m), "b c c/libc a");
  top_model_show_pools(&m, true);
  top_model_arrange(&m);
  assert_string_equal(lines(&m), "b b/c:big c c/libc a a/libc");
  top_model_free(&m);
}

TEST(a_filter_looks_at_all_that_is_said_of_a_process) {
  static const char *const cases[][2] = {{"dask", "b"}, {"PYTHON", "c"}, {"C:BIG", "b"}, {"GONE", "c"},
                                         {"20", "b"},   {"", "b c a"},   {"nobody", ""}, {"libc", "c a"}};
  top_model m = {.sort = TOP_COLUMN_LIVE};
  refresh(&m, three, 3, 50000);
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    strcpy(m.filter, cases[i][0]);
    top_model_arrange(&m);
    assert_string_equal(lines(&m), cases[i][1]);
  }
  top_model_free(&m);
}

TEST(processes_come_and_go) {
  top_model m = {.sort = TOP_COLUMN_LIVE};
  refresh(&m, three, 2, 50000);
  assert_string_equal(lines(&m), "b a");
  refresh(&m, three + 1, 2, 51000);
  assert_string_equal(lines(&m), "b c");
  refresh(&m, NULL, 0, 52000);
  assert_string_equal(lines(&m), "");
  top_model_free(&m);
}

TEST(what_is_selected_stays_selected_while_others_move) {
  top_model m = {.sort = TOP_COLUMN_LIVE, .pools = true};
  refresh(&m, three, 3, 50000);
  m.selected = 3; /* c/libc */
  sample moved[] = {three[0], three[1], three[2]};
  moved[0].live = 1000;
  refresh(&m, moved, 3, 51000);
  assert_string_equal(lines(&m), "a a/libc b b/c:big c c/libc");
  assert_int_equal(m.selected, 5);
  moved[2].pool = "other"; /* its pool is gone: the process */
  refresh(&m, moved, 3, 52000);
  assert_int_equal(m.selected, 4);
  refresh(&m, moved, 2, 53000); /* and the process: the last line */
  assert_int_equal(m.selected, 3);
  refresh(&m, moved, 0, 54000);
  assert_int_equal(m.selected, 0);
  top_model_free(&m);
}

TEST(many_processes_are_found_again) {
  enum { MANY = 2000 };
  static char names[MANY][16];
  top_model m = {.sort = TOP_COLUMN_PID};
  for (int round = 0; round < 2; round++) {
    top_model_begin(&m);
    for (int i = 0; i < MANY; i++) {
      int at = i * 1009 % MANY;
      snprintf(names[at], sizeof names[at], "%d", at);
      add(&m, &(sample){.file = names[at], .pid = at, .allocations = at * (round + 1)}, 50000 + 1000 * round);
    }
    top_model_end(&m);
  }
  top_model_arrange(&m);
  assert_int_equal(m.line_count, MANY);
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(m.lines[i].process->pid, i);
    assert_int_equal(m.lines[i].process->row.shown[TOP_COLUMN_ALLOCS], i * 1000);
  }
  top_model_free(&m);
}

TEST(history_keeps_the_most_of_each_second_of_the_last_minute) {
  top_history h = {0};
  assert_int_equal(top_history_most(&h, 0, 1), ARROWPOOL_UNKNOWN);
  top_history_add(&h, 100000, 5);
  top_history_add(&h, 100500, 9);
  top_history_add(&h, 100900, 2);
  assert_int_equal(top_history_most(&h, 59, 60), 9);
  assert_int_equal(top_history_most(&h, 58, 60), ARROWPOOL_UNKNOWN);
  top_history_add(&h, 103000, 4); /* between, nobody looked */
  assert_int_equal(top_history_most(&h, 59, 60), 4);
  assert_int_equal(top_history_most(&h, 58, 60), 9);
  assert_int_equal(top_history_most(&h, 11, 12), 9);
  assert_int_equal(top_history_most(&h, 10, 12), ARROWPOOL_UNKNOWN);
  top_history_add(&h, 163000, 1);
  assert_int_equal(top_history_most(&h, 0, 60), 4);
  top_history_add(&h, 1000000, 1);
  assert_int_equal(top_history_most(&h, 0, 60), 1);
}

TEST(a_sparkline_is_relative_to_its_highest_value) {
  top_history h = {0};
  signed char levels[12];
  for (int second = 0; second < 60; second++)
    top_history_add(&h, (500 + second) * 1000, second < 10 ? 0 : second < 55 ? 70 : 140);
  top_levels(&h, 12, levels);
  assert_int_equal(levels[0], 0);
  assert_int_equal(levels[2], 4);
  assert_int_equal(levels[11], TOP_LEVELS - 1);
  assert_string_equal(top_level_text(7, true), "█");
  assert_string_equal(top_level_text(7, false), "#");
  assert_string_equal(top_level_text(-1, true), " ");
}

TEST(numbers_are_short_on_the_screen_and_exact_in_text) {
  static const struct {
    int64_t number;
    top_kind kind;
    const char *brief, *exact;
  } cases[] = {
      {0, TOP_BYTES, "0", "0"},
      {999, TOP_BYTES, "999", "999"},
      {1000, TOP_BYTES, "1.0K", "1000"},
      {10 * KIB, TOP_BYTES, "10K", "10240"},
      {10188, TOP_BYTES, "9.9K", "10188"},
      {1023 * KIB, TOP_BYTES, "1.0M", "1047552"},
      {1535 * MIB, TOP_BYTES, "1.5G", "1609564160"},
      {INT64_MAX, TOP_BYTES, "8.0E", "9223372036854775807"},
      {ARROWPOOL_UNKNOWN, TOP_BYTES, "?", "?"},
      {300, TOP_RATE, "0.3", "0.300"},
      {12345, TOP_RATE, "12", "12.345"},
      {2000, TOP_RATE, "2", "2.000"},
      {1234567000, TOP_RATE, "1.2M", "1234567.000"},
      {3 * MIB, TOP_GROWTH, "+3.0M", "3145728"},
      {-3 * KIB, TOP_GROWTH, "-3.0K", "-3072"},
      {0, TOP_GROWTH, "0", "0"},
      {ARROWPOOL_UNKNOWN, TOP_GROWTH, "?", "?"},
      {734, TOP_SHARE, "73%", "73.4"},
      {1000, TOP_SHARE, "100%", "100.0"},
      {ARROWPOOL_UNKNOWN, TOP_SHARE, "-", "-"},
      {5 * MIB * 1000, TOP_BYTE_RATE, "5.0M", "5242880.000"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char text[24];
    top_format_number(cases[i].number, cases[i].kind, false, text);
    assert_string_equal(text, cases[i].brief);
    top_format_number(cases[i].number, cases[i].kind, true, text);
    assert_string_equal(text, cases[i].exact);
  }
}

TEST(a_narrow_screen_shows_the_columns_that_matter_most) {
  bool shown[TOP_COLUMNS];
  for (int width = 1; width < 300; width++) {
    int used = 0, left = top_fit_columns(width, 4, shown);
    for (int i = 0; i < TOP_COLUMNS; i++)
      used += shown[i] && top_columns[i].width ? top_columns[i].width + 1 : 0;
    assert_int_equal(used + left, width);
    assert_true(left >= 4 || !used);
    assert_true(width < 20 || shown[TOP_COLUMN_LIVE]);
    assert_true(shown[TOP_COLUMN_LIVE] || !shown[TOP_COLUMN_STATE]);
  }
  assert_true(shown[TOP_COLUMN_RSS_MINUTE]);
}

TEST(sorting_goes_round_all_fields) {
  int column = TOP_COLUMN_PID, steps = 0;
  do {
    int next = top_next_sort(column, 1);
    assert_int_equal(top_next_sort(next, -1), column);
    assert_int_equal(top_find_column(top_columns[next].word), next);
    column = next;
    steps++;
  } while (column != TOP_COLUMN_PID);
  assert_int_equal(steps, 15);
  assert_int_equal(top_find_column("nonsense"), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_rate_is_that_of_the_time_since_the_last_refresh),
      cmocka_unit_test(the_first_rate_is_that_of_the_time_since_the_process_started),
      cmocka_unit_test(the_first_rate_of_a_process_that_is_gone_is_not_known),
      cmocka_unit_test(a_rate_is_never_negative_or_of_no_time),
      cmocka_unit_test(what_no_pool_knows_is_unknown_and_what_some_know_is_summed),
      cmocka_unit_test(totals_are_of_running_processes),
      cmocka_unit_test(lines_are_in_the_order_of_the_chosen_column),
      cmocka_unit_test(pools_stand_below_their_process),
      cmocka_unit_test(a_filter_looks_at_all_that_is_said_of_a_process),
      cmocka_unit_test(processes_come_and_go),
      cmocka_unit_test(what_is_selected_stays_selected_while_others_move),
      cmocka_unit_test(many_processes_are_found_again),
      cmocka_unit_test(history_keeps_the_most_of_each_second_of_the_last_minute),
      cmocka_unit_test(a_sparkline_is_relative_to_its_highest_value),
      cmocka_unit_test(numbers_are_short_on_the_screen_and_exact_in_text),
      cmocka_unit_test(a_narrow_screen_shows_the_columns_that_matter_most),
      cmocka_unit_test(sorting_goes_round_all_fields),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
