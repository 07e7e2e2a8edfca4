/* The option table and its parsers (options.h): every kind, good and bad; what is said about mistakes. */
#include "unit.h"

#include "options/options.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- values ---- */

typedef struct good_value {
  int id;
  const char *text;
  int64_t number;
} good_value;

TEST(good_values_are_taken) {
  static const good_value good[] = {
      {OPTION_POOL, "jemalloc", OPTIONS_POOL_JEMALLOC},
      {OPTION_POOL, "system", OPTIONS_POOL_SYSTEM},
      {OPTION_STATS_FORMAT, "text", OPTIONS_FORMAT_TEXT},
      {OPTION_STATS_FORMAT, "json", OPTIONS_FORMAT_JSON},
      {OPTION_STATS_FORMAT, "jsonl", OPTIONS_FORMAT_JSONL},
      {OPTION_STATS_FORMAT, "prometheus", OPTIONS_FORMAT_PROMETHEUS},
      {OPTION_STATS_INTERVAL, "0", 0},
      {OPTION_STATS_INTERVAL, "500ms", 500},
      {OPTION_STATS_INTERVAL, "10s", 10000},
      {OPTION_STATS_INTERVAL, "5m", 300000},
      {OPTION_STATS_INTERVAL, "2h", 7200000},
      {OPTION_STATS_INTERVAL, "007s", 7000},
      {OPTION_STATS_SIGNAL, "USR2", SIGUSR2},
      {OPTION_STATS_SIGNAL, "SIGUSR1", SIGUSR1},
      {OPTION_STATS_IDLE, "0", 0},
      {OPTION_STATS_IDLE, "1", 1},
      {OPTION_LIMIT, "1", 1},
      {OPTION_LIMIT, "12345", 12345},
      {OPTION_LIMIT, "7B", 7},
      {OPTION_LIMIT, "3K", 3 * KIB},
      {OPTION_LIMIT, "512M", 512 * MIB},
      {OPTION_LIMIT, "512MB", 512 * MIB},
      {OPTION_LIMIT, "8GiB", 8 * GIB},
      {OPTION_LIMIT, "2T", 2048 * GIB},
      {OPTION_LIMIT, "9223372036854775807", INT64_MAX},
      {OPTION_LIMIT, "1.5GiB", 1536 * MIB},
      {OPTION_LIMIT, "0.25K", 256},
      {OPTION_LIMIT, "1.0000019999M", MIB + 1},
      {OPTION_LIMIT, "7.999999T", 8796091922696},
      {OPTION_LIMIT, "8Gi", 8 * GIB},
      {OPTION_LIMIT, "1.5 GiB", 1536 * MIB},
      {OPTION_LIMIT, "8Ki", 8 * KIB},
      {OPTION_LIMIT, "8gb", 8 * GIB},
      {OPTION_LIMIT, "8g", 8 * GIB},
      {OPTION_LIMIT, "8gib", 8 * GIB},
      {OPTION_LIMIT, "512kb", 512 * KIB},
      {OPTION_LIMIT, "7b", 7},
      {OPTION_PROFILE_MEAN, "1.5Mi", 1536 * KIB},
      {OPTION_LIMIT, "1%", -1},
      {OPTION_LIMIT, "70%", -70},
      {OPTION_LIMIT, "100%", -100},
      {OPTION_DECAY, "0", 0},
      {OPTION_DECAY, "1s", 1000},
      {OPTION_DECAY, "never", SLOTS_NEVER},
      {OPTION_THP, "always", 1},
      {OPTION_HOOKS, "all", OPTIONS_HOOK_LIBC | OPTIONS_HOOK_ARROW_MI | OPTIONS_HOOK_ARROW_VTABLE},
      {OPTION_HOOKS, "libc", OPTIONS_HOOK_LIBC},
      {OPTION_HOOKS, "arrow_vtable,libc", OPTIONS_HOOK_LIBC | OPTIONS_HOOK_ARROW_VTABLE},
      {OPTION_HOOKS, "libc,libc", OPTIONS_HOOK_LIBC},
      {OPTION_LIBRARIES, "lance,arro3.core,*/x?.so", 0},
      {OPTION_DEBUG, "abort", 3},
      {OPTION_LOG, "quiet", OPTIONS_LOG_QUIET},
      {OPTION_LOG, "info", OPTIONS_LOG_INFO},
  };
  for (size_t i = 0; i < COUNT_OF(good); i++) {
    options_value value = {.number = -12345};
    if (!options_parse(&options_table[good[i].id], good[i].text, &value) || value.number != good[i].number)
      fail_msg("%s=%s: %jd", options_table[good[i].id].variable, good[i].text, (intmax_t)value.number);
    assert_ptr_equal(value.text, good[i].text);
    assert_false(value.given);
  }
}

TEST(bad_values_are_refused_and_leave_the_value_alone) {
  static const struct {
    int id;
    const char *texts[32];
  } bad[] = {
      {OPTION_POOL, {"", "jemallo", "jemallocs", "JEMALLOC", "jemalloc,system", " system", "mimalloc"}},
      {OPTION_STATS_FORMAT, {"", "xml", "jso", "text "}},
      {OPTION_STATS_INTERVAL,
       {"", "5", "-1s", "+1s", " 1s", "1 s", "1.5s", "s", "1S", "1sec", "0x10s", "99999999999999999999s",
        "9223372036854775807s", "never"}},
      {OPTION_STATS_SIGNAL, {"", "SIG", "usr1", "12", "KILL", "STOP", "SIGKILL", "SIGSIGUSR1", "RTMIN"}},
      {OPTION_STATS_IDLE, {"", "2", "yes", "true", "-1", "01"}},
      {OPTION_LIMIT,
       {"",
        "0",
        "0%",
        "101%",
        "-5",
        "1.5",
        "5X",
        "5k",
        "5m",
        "5KIB",
        "5gB",
        "5Gb",
        "1.G",
        ".5G",
        "1,5G",
        "0.0001K",
        "G",
        "%",
        "5  G",
        "5 ",
        "50 %",
        "9223372036854775808",
        "9007199254740992K",
        "9999999T",
        "50%%",
        "1.5%"}},
      {OPTION_DECAY, {"", "1", "Never", "forever", "-1s", "9223372036854775808ms"}},
      {OPTION_HOOKS, {"", "none", "libc,", ",libc", "libc,,arrow_mi", "all,libc", "libc arrow_mi", "lib"}},
      {OPTION_STATS, {"", "%", "file-%d", "%x", "100%", "%%%"}},
      {OPTION_LIVE, {""}},
      {OPTION_NAME,
       {"", "two\nlines", "\x1b[31m", "x\x7f",
        "0123456789012345678901234567890123456789012345678901234567890123"}},
  };
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    for (size_t k = 0; k < COUNT_OF(bad[i].texts) && bad[i].texts[k]; k++) {
      options_value value = {4711, "untouched", true};
      if (options_parse(&options_table[bad[i].id], bad[i].texts[k], &value))
        fail_msg("%s=%s was taken", options_table[bad[i].id].variable, bad[i].texts[k]);
      assert_int_equal(value.number, 4711);
      assert_string_equal(value.text, "untouched");
      assert_true(value.given);
    }
}

TEST(destinations_and_directories_are_taken_as_they_are) {
  static const char *const texts[] = {"stderr", "/tmp/x", "./%p-%h-%e-%t-100%%.json", "off.txt"};
  options_value value;
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    assert_true(options_parse(&options_table[OPTION_STATS], texts[i], &value));
    assert_ptr_equal(value.text, texts[i]);
  }
  assert_true(options_parse(&options_table[OPTION_STATS], "off", &value));
  assert_null(value.text);
  assert_true(options_parse(&options_table[OPTION_LIVE], "/dev/shm/%x", &value));
  assert_string_equal(value.text, "/dev/shm/%x");
  static const char longest[] = "012345678901234567890123456789012345678901234567890123456789012";
  assert_true(options_parse(&options_table[OPTION_NAME], longest, &value));
  assert_ptr_equal(value.text, longest);
  assert_true(options_parse(&options_table[OPTION_NAME], "nightly, für alle", &value));
}

TEST(every_default_is_a_value_that_its_own_option_takes) {
  for (int id = 0; id < OPTION_COUNT; id++) {
    const options_row *row = &options_table[id];
    options_value value;
    assert_int_equal(strncmp(row->variable, OPTIONS_PREFIX, strlen(OPTIONS_PREFIX)), 0);
    assert_true(strlen(row->help) > 0);
    if (row->preset)
      assert_true(options_parse(row, row->preset, &value));
  }
}

TEST(values_are_described_in_words) {
  static const struct {
    int id;
    const char *text;
  } expected[] = {
      {OPTION_POOL, "jemalloc or system"},
      {OPTION_STATS, "off, stderr or a path (%p pid, %h host, %e program, %t start time, %%)"},
      {OPTION_STATS_FORMAT, "text, json, jsonl or prometheus"},
      {OPTION_HOOKS, "all, libc, arrow_mi or arrow_vtable"},
      {OPTION_STATS_IDLE, "0 or 1"},
      {OPTION_LOG, "quiet, warn or info"},
  };
  char text[128];
  for (size_t i = 0; i < COUNT_OF(expected); i++) {
    options_describe_values(&options_table[expected[i].id], text);
    assert_string_equal(text, expected[i].text);
  }
  char longest[300];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  options_row row = {"ARROW_POOL_X", OPTIONS_DURATION, longest, NULL, ""};
  options_describe_values(&row, text); /* cut off, not written beyond */
  assert_int_equal(strlen(text), sizeof text - 1);
}

/* ---- the environment ---- */

static char *environment[20];
static char lines[20][256];
static size_t line_count;

static const char *lookup(void *context, const char *variable) {
  (void)context;
  size_t length = strlen(variable);
  for (char **entry = environment; *entry; entry++)
    if (strncmp(*entry, variable, length) == 0 && (*entry)[length] == '=')
      return *entry + length + 1;
  return NULL;
}

static void complain(void *context, const char *const pieces[], size_t count) {
  (void)context;
  assert_true(line_count < COUNT_OF(lines));
  char *line = lines[line_count++];
  *line = 0;
  for (size_t i = 0; i < count; i++)
    strcat(line, pieces[i]);
}

static void read_environment(options *out, const char *const variables[]) {
  memset(environment, 0, sizeof environment);
  for (size_t i = 0; variables[i]; i++)
    environment[i] = (char *)(uintptr_t)variables[i];
  line_count = 0;
  memset(out, 0x55, sizeof *out);
  options_read(out, lookup, complain, NULL);
}

TEST(an_empty_environment_gives_the_defaults_without_a_word) {
  static const char *const nothing[] = {NULL}, *const empty[] = {"ARROW_POOL=", "ARROW_POOL_LIMIT=", NULL};
  options o;
  for (int i = 0; i < 2; i++) {
    read_environment(&o, i ? empty : nothing);
    assert_int_equal(line_count, 0);
    assert_int_equal(o.values[OPTION_POOL].number, OPTIONS_POOL_SYSTEM);
    assert_null(o.values[OPTION_STATS].text);
    assert_null(o.values[OPTION_STATS_FORMAT].text);
    assert_int_equal(o.values[OPTION_STATS_SIGNAL].number, 0);
    assert_null(o.values[OPTION_LIVE].text);
    assert_int_equal(o.values[OPTION_LIMIT].number, 0);
    assert_int_equal(o.values[OPTION_DECAY].number, 1000);
    assert_int_equal(o.values[OPTION_HOOKS].number, 7);
    assert_int_equal(o.values[OPTION_LOG].number, OPTIONS_LOG_WARN);
    for (int id = 0; id < OPTION_COUNT; id++)
      assert_false(o.values[id].given);
  }
}

TEST(values_of_the_environment_are_read_as_given) {
  static const char *const variables[] = {"ARROW_POOL=jemalloc",   "ARROW_POOL_STATS=/tmp/%p.json",
                                          "ARROW_POOL_HOOKS=libc", "ARROW_POOL_STATS_IDLE=1",
                                          "ARROW_POOL_LOG=info",   NULL};
  options o;
  read_environment(&o, variables);
  assert_int_equal(line_count, 0);
  assert_int_equal(o.values[OPTION_POOL].number, OPTIONS_POOL_JEMALLOC);
  assert_true(o.values[OPTION_POOL].given);
  assert_string_equal(o.values[OPTION_STATS].text, "/tmp/%p.json");
  assert_int_equal(o.values[OPTION_HOOKS].number, OPTIONS_HOOK_LIBC);
  assert_int_equal(o.values[OPTION_STATS_IDLE].number, 1);
  assert_int_equal(o.values[OPTION_LOG].number, OPTIONS_LOG_INFO);
  assert_false(o.values[OPTION_THP].given);
}

TEST(a_bad_value_is_named_with_the_choices_and_the_default_is_used) {
  static const char *const variables[] = {"ARROW_POOL=fast",
                                          "ARROW_POOL_LOG=loud",
                                          "ARROW_POOL_STATS_FORMAT=xml",
                                          "ARROW_POOL_STATS_IDLE=maybe",
                                          "ARROW_POOL_HOOKS=front",
                                          NULL};
  static const char *const expected[] = {
      "ARROW_POOL_LOG=loud: choose quiet, warn or info; using warn", /* first: it decides about the others */
      "ARROW_POOL=fast: choose jemalloc or system; using system",
      "ARROW_POOL_STATS_FORMAT=xml: choose text, json, jsonl or prometheus; using none",
      "ARROW_POOL_STATS_IDLE=maybe: choose 0 or 1; using 0",
      "ARROW_POOL_HOOKS=front: choose all, libc, arrow_mi or arrow_vtable; using all",
  };
  options o;
  read_environment(&o, variables);
  assert_int_equal(line_count, COUNT_OF(expected));
  for (size_t i = 0; i < COUNT_OF(expected); i++)
    assert_string_equal(lines[i], expected[i]);
  assert_int_equal(o.values[OPTION_POOL].number, OPTIONS_POOL_SYSTEM);
  assert_false(o.values[OPTION_POOL].given);
  assert_false(o.values[OPTION_STATS_FORMAT].given);
}

TEST(texts_are_copied_since_a_title_may_be_written_over_the_environment) {
  char path[] = "ARROW_POOL_STATS=/tmp/%p.json", live[] = "ARROW_POOL_LIVE=/run/pools",
       sig[] = "ARROW_POOL_STATS_SIGNAL=USR2";
  const char *const variables[] = {path, live, sig, NULL};
  options o;
  read_environment(&o, variables);
  memset(path, 'x', sizeof path - 1);
  memset(live, 'x', sizeof live - 1);
  memset(sig, 'x', sizeof sig - 1);
  assert_string_equal(o.values[OPTION_STATS].text, "/tmp/%p.json");
  assert_string_equal(o.values[OPTION_LIVE].text, "/run/pools");
  assert_string_equal(o.values[OPTION_STATS_SIGNAL].text, "USR2");
}

TEST(a_text_is_taken_up_to_the_length_of_a_path) {
  static const char name[] = "ARROW_POOL_LIVE=";
  char variable[sizeof name + OPTIONS_TEXT_BYTES];
  const char *const variables[] = {variable, NULL};
  options o;
  strcpy(variable, name);
  memset(variable + sizeof name - 1, '/', OPTIONS_TEXT_BYTES);
  variable[sizeof name - 1 + OPTIONS_TEXT_BYTES - 1] = 0;
  read_environment(&o, variables);
  assert_int_equal(line_count, 0);
  assert_int_equal(strlen(o.values[OPTION_LIVE].text), OPTIONS_TEXT_BYTES - 1);
  variable[sizeof name - 1 + OPTIONS_TEXT_BYTES - 1] = '/';
  variable[sizeof name - 1 + OPTIONS_TEXT_BYTES] = 0;
  read_environment(&o, variables);
  assert_int_equal(line_count, 1);
  assert_string_equal(lines[0], "ARROW_POOL_LIVE: longer than a path may be; using none");
  assert_null(o.values[OPTION_LIVE].text);
  assert_false(o.values[OPTION_LIVE].given);
}

/* Whichever options these are at the moment: the table says. */
TEST(each_option_takes_a_value_without_a_word) {
  static const char *const samples[OPTION_COUNT] = {[OPTION_STATS_FORMAT] = "prometheus",
                                                    [OPTION_STATS_INTERVAL] = "10s",
                                                    [OPTION_STATS_SIGNAL] = "USR1",
                                                    [OPTION_NAME] = "nightly",
                                                    [OPTION_LIVE] = "/tmp",
                                                    [OPTION_LIMIT] = "1G",
                                                    [OPTION_DECAY] = "2s",
                                                    [OPTION_THP] = "always",
                                                    [OPTION_HOOKS] = "libc,arrow_vtable",
                                                    [OPTION_DEBUG] = "warn",
                                                    [OPTION_POOL] = "jemalloc",
                                                    [OPTION_LOG] = "info"};
  for (int id = 0; id < OPTION_COUNT; id++) {
    char variable[128];
    const char *const variables[] = {variable, NULL};
    options o;
    if (!samples[id])
      continue;
    snprintf(variable, sizeof variable, "%s=%s", options_table[id].variable, samples[id]);
    read_environment(&o, variables);
    assert_true(o.values[id].given);
    assert_int_equal(line_count, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_values_are_taken),
      cmocka_unit_test(bad_values_are_refused_and_leave_the_value_alone),
      cmocka_unit_test(destinations_and_directories_are_taken_as_they_are),
      cmocka_unit_test(every_default_is_a_value_that_its_own_option_takes),
      cmocka_unit_test(values_are_described_in_words),
      cmocka_unit_test(an_empty_environment_gives_the_defaults_without_a_word),
      cmocka_unit_test(values_of_the_environment_are_read_as_given),
      cmocka_unit_test(a_bad_value_is_named_with_the_choices_and_the_default_is_used),
      cmocka_unit_test(texts_are_copied_since_a_title_may_be_written_over_the_environment),
      cmocka_unit_test(a_text_is_taken_up_to_the_length_of_a_path),
      cmocka_unit_test(each_option_takes_a_value_without_a_word),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
