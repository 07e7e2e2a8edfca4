/* The writer and the reports: what numbers, sizes and strings look like, that json is json, that a callback
 * can end a report, and that writing one allocates nothing.
 *
 * JSON is checked by a parser of a few lines: it accepts what RFC 8259 does, and finds numbers by path. */
#include "unit.h"

#include "counters/fields.h"
#include "pool/pool.h"
#include "report/report.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- how many allocations there were ---- */

static _Atomic long allocations;

static void count_one(void) { allocations++; }

#if UNIT_SANITIZED
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *buffer, size_t size) {
  (void)buffer, (void)size;
  count_one();
}
static void on_free(const volatile void *buffer) { (void)buffer; }
__attribute__((constructor)) static void watch(void) {
  __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}
#else
/* glibc's own under its internal names; ours stand in for them in the whole process. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *buffer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) { return count_one(), __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return count_one(), __libc_calloc(count, size); }
void *realloc(void *buffer, size_t size) { return count_one(), __libc_realloc(buffer, size); }
void *aligned_alloc(size_t alignment, size_t size) { return count_one(), __libc_memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
  count_one();
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}
#endif
/* ---- what was written ---- */

typedef struct output {
  char text[16384];
  size_t used;
  int calls, refuse_at; /* 0: never */
} output;

static int collect(void *context, const char *text, size_t size) {
  output *o = context;
  CHECK(size > 0 && o->used + size < sizeof o->text);
  if (++o->calls == o->refuse_at)
    return 1;
  memcpy(o->text + o->used, text, size);
  o->used += size;
  o->text[o->used] = 0;
  return 0;
}

/* ---- the writer ---- */

static const char *size_text(int64_t size) {
  static char text[25];
  size_t length = writer_format_size(text, size);
  CHECK(length < sizeof text);
  text[length] = 0;
  return text;
}

TEST(sizes_are_written_as_people_read_them) {
  static const struct {
    int64_t size;
    const char *text;
  } expected[] = {
      {0, "0 B"},
      {1, "1 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1536, "1.5 KiB"},
      {1587, "1.5 KiB"},
      {1588, "1.6 KiB"},
      {10240, "10.0 KiB"},
      {MIB - 1, "1.0 MiB"},
      {MIB, "1.0 MiB"},
      {GIB * 3 / 2, "1.5 GiB"},
      {100 * GIB, "100.0 GiB"},
      {1024 * GIB, "1.0 TiB"},
      {INT64_C(1) << 50, "1.0 PiB"},
      {INT64_C(1) << 59, "512.0 PiB"},
      {INT64_MAX, "8.0 EiB"},
  };
  for (size_t i = 0; i < COUNT_OF(expected); i++)
    assert_string_equal(size_text(expected[i].size), expected[i].text);
}

TEST(numbers_are_written_in_full) {
  static const struct {
    int64_t number;
    const char *text;
  } expected[] = {{0, "0"},
                  {7, "7"},
                  {-1, "-1"},
                  {1234567890123, "1234567890123"},
                  {INT64_MAX, "9223372036854775807"},
                  {INT64_MIN, "-9223372036854775808"}};
  for (size_t i = 0; i < COUNT_OF(expected); i++) {
    char text[25];
    text[writer_format_int(text, expected[i].number)] = 0;
    assert_string_equal(text, expected[i].text);
  }
}

TEST(the_writer_puts_pieces_together) {
  static output o;
  writer w;
  o = (output){.used = 0};
  writer_init(&w, collect, &o);
  writer_text(&w, "a");
  writer_bytes(&w, "bcdef", 2);
  writer_int(&w, -42);
  writer_text(&w, " ");
  writer_milliseconds(&w, 61007);
  writer_text(&w, " ");
  writer_milliseconds(&w, 0);
  writer_text(&w, "");
  assert_int_equal(o.calls, 0); /* collected */
  assert_true(writer_finish(&w));
  assert_string_equal(o.text, "abc-42 61.007 0.000");
  assert_int_equal(o.calls, 1);
}

TEST(long_texts_come_in_pieces_and_complete) {
  static output o;
  static char text[5000];
  writer w;
  for (size_t i = 0; i < sizeof text - 1; i++)
    text[i] = (char)('a' + i % 26);
  o = (output){.used = 0};
  writer_init(&w, collect, &o);
  for (size_t size = 0; size <= 100; size++)
    writer_bytes(&w, text + size, 1);
  writer_text(&w, text + 101);
  assert_true(writer_finish(&w));
  assert_string_equal(o.text, text);
  assert_true(o.calls > 1);
}

TEST(json_strings_are_escaped) {
  static output o;
  writer w;
  o = (output){.used = 0};
  writer_init(&w, collect, &o);
  writer_json_string(&w, "plain caf\xc3\xa9 / 'x'");
  writer_json_string(&w, "\"\\");
  writer_json_string(&w, "\x01\b\t\n\x1f\x7f");
  writer_json_string(&w, "");
  assert_true(writer_finish(&w));
  assert_string_equal(
      o.text, "\"plain caf\xc3\xa9 / 'x'\"\"\\\"\\\\\"\"\\u0001\\u0008\\u0009\\u000a\\u001f\\u007f\"\"\"");
}

TEST(nothing_is_written_after_the_callback_refused) {
  static output o;
  writer w;
  o = (output){.refuse_at = 2};
  writer_init(&w, collect, &o);
  for (int i = 0; i < 10000; i++)
    writer_text(&w, "0123456789");
  assert_false(writer_finish(&w));
  assert_int_equal(o.calls, 2);
}

/* ---- a small parser ---- */

/* Numbers and strings end up in `found` when their path is `wanted`: keys and indices, as in "pools.0.name".
 */
typedef struct parser {
  const char *at, *wanted;
  char path[200], found[200];
  bool failed;
} parser;

static void parse_value(parser *p);

static bool take(parser *p, char c) { return *p->at == c && p->at++; }

static void parse_string(parser *p, char *out, size_t size) {
  size_t used = 0;
  p->failed |= !take(p, '"');
  while (!p->failed && *p->at != '"') {
    unsigned code;
    p->failed |= (unsigned char)*p->at < ' ';
    char c = *p->at++;
    if (c == '\\' && sscanf(p->at, "u%4x", &code) == 1) {
      c = (char)code;
      p->at += 5;
    } else if (c == '\\') {
      p->failed |= !strchr("\"\\/bfnrt", *p->at) || !*p->at;
      c = *p->at++;
    }
    if (used + 1 < size)
      out[used++] = c;
  }
  out[used] = 0;
  p->at += !p->failed;
}

static void parse_scalar(parser *p, char *out, size_t size) {
  char *end = NULL;
  size_t length = strcspn(p->at, ",]}\n");
  if (*p->at == '"') {
    parse_string(p, out, size);
    return;
  }
  if (strncmp(p->at, "null", length) && strncmp(p->at, "true", length) && strncmp(p->at, "false", length)) {
    p->failed |= !isdigit((unsigned char)p->at[*p->at == '-']);
    strtod(p->at, &end);
    p->failed |= end != p->at + length;
  }
  snprintf(out, size, "%.*s", (int)length, p->at);
  p->at += length;
}

static void parse_members(parser *p, char close, bool keyed) {
  size_t length = strlen(p->path);
  if (take(p, close))
    return;
  for (int index = 0; !p->failed; index++) {
    char name[100];
    snprintf(name, sizeof name, "%d", index);
    if (keyed) {
      parse_string(p, name, sizeof name);
      p->failed |= !take(p, ':');
    }
    snprintf(p->path + length, sizeof p->path - length, "%s%s", length ? "." : "", name);
    parse_value(p);
    p->path[length] = 0;
    if (take(p, close))
      return;
    p->failed |= !take(p, ',');
  }
}

static void parse_value(parser *p) {
  char text[200];
  if (take(p, '{')) {
    parse_members(p, '}', true);
  } else if (take(p, '[')) {
    parse_members(p, ']', false);
  } else {
    parse_scalar(p, text, sizeof text);
    if (strcmp(p->path, p->wanted) == 0)
      strcpy(p->found, text);
  }
}

/* The value at a path, as text; "" if there is none. Fails the test if the report is no JSON. */
static const char *value_at(const char *json, const char *path) {
  static parser p;
  p = (parser){.at = json, .wanted = path};
  parse_value(&p);
  if (p.failed || strcmp(p.at, "\n") != 0)
    fail_msg("no json at: %.40s", p.at);
  return p.found;
}

/* ---- reports ---- */

static output report(arrowpool_format format, report_source source) {
  static output o;
  o = (output){.used = 0};
  assert_true(report_write(format, source, &(report_room){.process = {0}}, collect, &o));
  return o;
}

TEST(a_report_without_pools_says_so) {
  output o = report(ARROWPOOL_FORMAT_TEXT, REPORT_SAFE);
  assert_non_null(strstr(o.text, "no pool was used\n"));
  o = report(ARROWPOOL_FORMAT_JSON, REPORT_ASK_JEMALLOC);
  assert_non_null(strstr(o.text, "\"pools\":[]"));
  assert_string_equal(value_at(o.text, "process.jemalloc_active_bytes"), "null"); /* it was not started */
}

static arrowpool_pool *make_pool(const char *name, const backend *b, pool_frees frees) {
  arrowpool_pool *pool = NULL;
  pool_config config = {.backend = b, .frees = frees};
  assert_int_equal(pool_create(name, config, &pool), ARROWPOOL_OK);
  return pool;
}

TEST(the_json_report_has_every_pool_and_field) {
  arrowpool_pool *pool = make_pool("c:odd \"name\\", &backend_jemalloc, POOL_ALL_FREES_PASS),
                 *blind = make_pool("libc", &backend_system, POOL_OWN_FREES_PASS);
  void *buffer;
  make_pool("unused", &backend_system, POOL_ALL_FREES_PASS);
  assert_int_equal(pool_allocate(pool, 5000, 64, &buffer), ARROWPOOL_OK);
  pool_note_allocated(blind, 70);
  output o = report(ARROWPOOL_FORMAT_JSON, REPORT_ASK_JEMALLOC);
  char number[32];
  snprintf(number, sizeof number, "%d", (int)getpid());
  assert_string_equal(value_at(o.text, "schema"), "arrowpool/1");
  assert_string_equal(value_at(o.text, "version"), ARROWPOOL_VERSION);
  assert_string_equal(value_at(o.text, "process.pid"), number);
  assert_string_equal(value_at(o.text, "process.program"), program_invocation_short_name);
  assert_true(atoll(value_at(o.text, "process.rss_bytes")) > 100000);
  assert_true(atoll(value_at(o.text, "process.jemalloc_active_bytes")) >= 5000);
  assert_true(strtod(value_at(o.text, "process.time"), NULL) > 1.5e9);
  assert_string_equal(value_at(o.text, "pools.0.name"), "c:odd \"name\\");
  assert_string_equal(value_at(o.text, "pools.0.backend"), "jemalloc");
  assert_string_equal(value_at(o.text, "pools.0.size_basis"), "requested");
  assert_string_equal(value_at(o.text, "pools.0.bytes_allocated"), "5000");
  assert_string_equal(value_at(o.text, "pools.0.max_memory"), "5000");
  assert_string_equal(value_at(o.text, "pools.0.inherited_bytes"), "0");
  assert_string_equal(value_at(o.text, "pools.0.size_histogram.0.from_bytes"), "4096");
  assert_string_equal(value_at(o.text, "pools.0.size_histogram.0.count"), "1");
  assert_string_equal(value_at(o.text, "pools.1.name"), "libc");
  assert_string_equal(value_at(o.text, "pools.1.bytes_allocated"), "null");
  assert_string_equal(value_at(o.text, "pools.1.num_frees"), "null");
  assert_string_equal(value_at(o.text, "pools.1.num_allocations"), "1");
  assert_string_equal(value_at(o.text, "pools.2.name"), ""); /* pools that were never used stay out */
#define X(name, unit, type, metric, help) assert_true(strlen(value_at(o.text, "pools.0." #name)) > 0);
  FIELDS_OF_POOL(X)
#undef X
  pool_free(pool, buffer, 5000, 64);
}

TEST(the_text_report_is_a_table) {
  output o = report(ARROWPOOL_FORMAT_TEXT, REPORT_SAFE);
  assert_int_equal(
      strncmp(o.text, "arrowpool " ARROWPOOL_VERSION ": ", strlen("arrowpool " ARROWPOOL_VERSION ": ")), 0);
  char *heading = strchr(o.text, '\n') + 1, *row = strchr(heading, '\n') + 1, *last = strchr(row, '\n') + 1;
  assert_int_equal(strncmp(heading, "pool ", 5), 0);
  assert_int_equal(strncmp(row, "c:odd \"name\\ ", 13), 0);
  assert_int_equal(strncmp(last, "libc ", 5), 0);
  assert_non_null(strstr(row, "4.9 KiB"));
  assert_non_null(strchr(last, '?'));
  assert_int_equal(strcspn(heading, "\n"), strcspn(row, "\n"));
  assert_int_equal(strcspn(heading, "\n"), strcspn(last, "\n"));
}

TEST(a_report_allocates_nothing_and_changes_nothing) {
  static output o;
  arrowpool_stats before, after;
  pool_read(arrowpool_jemalloc(), &before);
  for (int format = ARROWPOOL_FORMAT_TEXT; format <= ARROWPOOL_FORMAT_JSON; format++) {
    o = (output){.used = 0};
    errno = EDOM;
    long seen = allocations;
    arrowpool_status status = arrowpool_report((arrowpool_format)format, collect, &o);
    assert_int_equal(allocations, seen);
    assert_int_equal(status, ARROWPOOL_OK);
    assert_int_equal(errno, EDOM);
  }
  long seen = allocations;
  void *volatile something = malloc(10); /* volatile: the compiler would drop the pair */
  free(something);
  assert_true(allocations > seen); /* the count works */
  pool_read(arrowpool_jemalloc(), &after);
  assert_memory_equal(&before, &after, sizeof before);
}

TEST(a_report_needs_a_format_and_a_callback_that_accepts) {
  static output o;
  o = (output){.refuse_at = 1};
  assert_int_equal(arrowpool_report(ARROWPOOL_FORMAT_JSON, collect, &o), ARROWPOOL_INVALID);
  assert_int_equal(o.calls, 1);
  assert_int_equal(arrowpool_report(ARROWPOOL_FORMAT_JSON, NULL, &o), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_report((arrowpool_format)3, collect, &o), ARROWPOOL_INVALID);
  assert_int_equal(arrowpool_report((arrowpool_format)-1, collect, &o), ARROWPOOL_INVALID);
  assert_int_equal(o.calls, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sizes_are_written_as_people_read_them),
      cmocka_unit_test(numbers_are_written_in_full),
      cmocka_unit_test(the_writer_puts_pieces_together),
      cmocka_unit_test(long_texts_come_in_pieces_and_complete),
      cmocka_unit_test(json_strings_are_escaped),
      cmocka_unit_test(nothing_is_written_after_the_callback_refused),
      cmocka_unit_test(a_report_without_pools_says_so),
      cmocka_unit_test(the_json_report_has_every_pool_and_field),
      cmocka_unit_test(the_text_report_is_a_table),
      cmocka_unit_test(a_report_allocates_nothing_and_changes_nothing),
      cmocka_unit_test(a_report_needs_a_format_and_a_callback_that_accepts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
