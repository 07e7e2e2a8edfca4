/* Frames of an interpreter that the test is itself: it exports the symbols of a Python 3.12 and makes its
 * objects, also such as no Python has. How real ones are read is tested by tests/shim/python_frames.bats.
 * Each test has a process of its own, as there is one interpreter in a process. */
#include "unit.h"

#include "base/readable.h"
#include "profile/python_frames.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- the interpreter ---- */

const char *Py_GetVersion(void);
void *PyGILState_GetThisThreadState(void);
int PyCode_Addr2Line(void *code, int instruction);
int _Py_IsFinalizing(void);
extern char PyType_Type[64], PyCode_Type[64], PyUnicode_Type[64];

static const char *version = "3.12.1 (made up)";
static char *thread_state;
static _Atomic int finalizing_after = INT32_MAX; /* it is asked so often before it ends */
char PyType_Type[64], PyCode_Type[64], PyUnicode_Type[64];

const char *Py_GetVersion(void) { return version; }
void *PyGILState_GetThisThreadState(void) { return thread_state; }
int PyCode_Addr2Line(void *code, int instruction) {
  return code && instruction >= 0 ? 100 + instruction : -1;
}
int _Py_IsFinalizing(void) { return finalizing_after == 0 || finalizing_after-- == 0; }

/* ---- its objects ---- */

static python_layout layout;

typedef struct object {
  _Alignas(16) char bytes[256];
} object;

static object objects[4096], thread, holder;
static size_t used;

static void put(void *to, int position, const void *value, size_t size) {
  memcpy((char *)to + position, value, size);
}

#define PUT(object, position, type, value) put(object, position, &(type){value}, sizeof(type))
#define STATE(width, compact, ascii)       (((width) | (compact) << 3 | (ascii) << 4) << layout.text_state_skip)

static char *make_object(const void *type) {
  CHECK(used < COUNT_OF(objects));
  char *made = objects[used++].bytes;
  PUT(made, layout.object_type, const void *, type);
  return made;
}

/* Makes a string in memory of the caller's. */
static char *make_text_at(char *made, const void *characters, int64_t count, unsigned width, bool ascii) {
  PUT(made, layout.object_type, const void *, PyUnicode_Type);
  PUT(made, layout.text_length, int64_t, count);
  PUT(made, layout.text_state, uint32_t, STATE(width, 1U, (uint32_t)ascii));
  memcpy(made + (ascii ? layout.text_ascii : layout.text_wide), characters, (size_t)count * width);
  return made;
}

static char *make_text(const char *characters) {
  return make_text_at(make_object(PyUnicode_Type), characters, (int64_t)strlen(characters), 1, true);
}

static char *make_code(const void *file, const void *function, int first_line) {
  char *code = make_object(PyCode_Type);
  PUT(code, layout.object_count, int64_t, 10);
  PUT(code, layout.code_file, const void *, file);
  PUT(code, layout.code_name, const void *, function);
  PUT(code, layout.code_lines, const void *, code);
  PUT(code, layout.code_first_line, int, first_line);
  return code;
}

/* Makes a frame at an instruction (bytes), which `previous` called. */
static char *make_frame(const void *code, int instruction, const void *previous, unsigned char owner) {
  char *frame = make_object(NULL);
  PUT(frame, layout.frame_code, const void *, code);
  PUT(frame, layout.frame_previous, const void *, previous);
  PUT(frame, layout.frame_instruction, const char *,
      (const char *)code + layout.code_instructions + instruction);
  PUT(frame, layout.frame_owner, unsigned char, owner);
  return frame;
}

static void set_innermost(const void *frame) {
  PUT(holder.bytes, layout.holder_frame, const void *, frame);
  PUT(thread.bytes, layout.thread_frame, const void *, holder.bytes);
  thread_state = thread.bytes;
}

static char *code;
static python_frame frames[512];
static python_line line;

static void make_python(void) {
  CHECK(python_layouts_find("3.12.1", NULL, &layout));
  PUT(PyCode_Type, layout.object_type, const void *, PyType_Type);
  code = make_code(make_text("/a/b.py"), make_text("f"), 7);
}

static void begin(void) {
  make_python();
  CHECK(python_frames_start() && python_frames_state() == PROFILE_PYTHON_READ);
}

/* Runs a test in a process of its own, if an emulator does not stand in its way. */
static void run_alone(void (*body)(void)) {
  if (!readable_can_tell())
    SKIP("the kernel does not tell what can be read");
  assert_true(unit_in_child(body));
}

static char *chain(int count) {
  char *frame = NULL;
  for (int i = 0; i < count; i++)
    frame = make_frame(code, 2 * (i % 10), frame, 0);
  return frame;
}

static size_t walk(size_t most) { return python_frames_walk(frames, most); }

/* Makes the layout proven, so that no more is asked of the kernel. */
static void prove(void) {
  set_innermost(chain(3));
  for (int i = 0; i < 8; i++)
    CHECK(walk(64) == 3);
}

/* Returns memory that cannot be read. */
static char *unreadable(void) {
  char *memory = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return memory;
}

/* ---- walks ---- */

static void read_in_order(void) {
  begin();
  char *other = make_code(make_text("/c.py"), make_text("g.<locals>.h"), 20);
  char *outer = make_frame(other, 4, NULL, 0), *empty = make_frame(NULL, 0, outer, 3);
  PUT(outer, layout.frame_code, const char *, other + 1); /* tagged, as in 3.14 */
  set_innermost(make_frame(code, 6, empty, 1));
  errno = 4711;
  CHECK(walk(64) == 2 && frames[0].code == code && frames[1].code == other);
  CHECK(frames[0].instruction == 6 && frames[0].first_line == 7 && frames[0].lines == code);
  CHECK(python_frames_describe(&frames[0], &line));
  CHECK(strcmp(line.file, "/a/b.py") == 0 && strcmp(line.function, "f") == 0);
  CHECK(line.line == 106 && line.first_line == 7);
  CHECK(python_frames_describe(&frames[1], &line));
  CHECK(strcmp(line.file, "/c.py") == 0 && strcmp(line.function, "g.<locals>.h") == 0 && line.line == 104);
  CHECK(errno == 4711 && python_frames_failed_walks() == 0);
}

TEST(frames_come_innermost_first) { run_alone(read_in_order); }

static void read_the_innermost(void) {
  begin();
  set_innermost(chain(300));
  char *innermost = objects[used - 1].bytes;
  for (int i = 0; i < 8; i++)
    CHECK(walk(64) == 64 && walk(1) == 1 && walk(0) == 0 && walk(512) == 300);
  CHECK(walk(64) == 64 && frames[0].instruction == 2 * (299 % 10));
  set_innermost(make_frame(code, -2, innermost, 0)); /* not begun */
  CHECK(walk(2) == 2 && frames[0].instruction == -2 && python_frames_describe(&frames[0], &line) &&
        line.line == 0);
}

TEST(no_more_frames_than_wanted_and_those_not_begun_too) { run_alone(read_the_innermost); }

static void find_none(void) {
  begin();
  CHECK(walk(64) == 0); /* no thread of Python's */
  set_innermost(NULL);
  CHECK(walk(64) == 0);
  set_innermost(make_frame(NULL, 0, NULL, 3)); /* only the interpreter's own */
  CHECK(walk(64) == 0);
  set_innermost(make_frame(make_code(NULL, NULL, 0), 0, NULL, 0));
  CHECK(walk(64) == 0 && python_frames_failed_walks() == 0);
}

TEST(what_is_no_code_of_a_programs_is_no_frame) { run_alone(find_none); }

static void finalize(void) {
  begin();
  prove();
  finalizing_after = 2; /* between two frames */
  CHECK(walk(64) == 0 && walk(64) == 0);
  CHECK(!python_frames_describe(&frames[0], &line));
  CHECK(python_frames_failed_walks() == 0);
}

TEST(nothing_is_read_of_an_interpreter_that_ends) { run_alone(finalize); }

/* ---- what is wrong ---- */

static void give_up(void) {
  begin();
  set_innermost(unreadable());
  for (int i = 0; i < 16; i++)
    CHECK(python_frames_state() == PROFILE_PYTHON_READ && walk(64) == 0);
  CHECK(python_frames_state() == PROFILE_PYTHON_UNKNOWN && python_frames_failed_walks() == 16);
  set_innermost(chain(3));
  CHECK(walk(64) == 0 && !python_frames_start());
}

TEST(walks_that_all_fail_are_given_up) { run_alone(give_up); }

/* Each of these is met first by a walk that is made with care. */
static void meet(void) {
  begin();
  char *memory = unreadable(), *good = make_text("x"), *frame;
  int64_t failed = 0;
#define FAILS(innermost) (set_innermost(innermost), walk(64) == 0 && python_frames_failed_walks() == ++failed)
  CHECK(FAILS((char *)8));
  CHECK(FAILS(chain(1) + 4));
  CHECK(FAILS(make_frame(memory, 0, NULL, 0)));
  CHECK(FAILS(make_frame(good, 0, NULL, 0))); /* no code object */
  CHECK(FAILS(make_frame(make_code(memory, good, 1), 0, NULL, 0)));
  CHECK(FAILS(make_frame(make_code(good, code, 1), 0, NULL, 0))); /* its name is no string */
  CHECK(FAILS(make_frame(code, 20, NULL, 0)));                    /* behind its code */
  CHECK(FAILS(make_frame(code, -4, NULL, 0)));
  CHECK(FAILS(make_frame(code, 0, NULL, 5))); /* an owner that there is not */
  CHECK(FAILS(make_frame(code, 0, memory, 0)));
  frame = make_frame(NULL, 0, NULL, 3);
  PUT(frame, layout.frame_previous, const void *, frame); /* a circle */
  CHECK(FAILS(frame));
  PUT(thread.bytes, layout.thread_frame, const void *, memory);
  CHECK(walk(64) == 0 && python_frames_failed_walks() == ++failed);
  thread_state = memory;
  CHECK(walk(64) == 0 && python_frames_failed_walks() == ++failed);
  CHECK(python_frames_state() == PROFILE_PYTHON_READ);
}

TEST(what_is_no_frame_is_found_out) { run_alone(meet); }

static void be_careful_again(void) {
  begin();
  prove();
  char *bad = make_frame(make_text("x"), 0, NULL, 0);
  set_innermost(make_frame(code, 0, bad, 0));
  CHECK(walk(64) == 1 && python_frames_failed_walks() == 1); /* the innermost is one for all that is known */
  set_innermost(make_frame(code, 0, unreadable(), 0));
  CHECK(walk(64) == 1 && python_frames_failed_walks() == 2);
  prove();
  char *frame = make_frame(code, 0, NULL, 0);
  PUT(frame, layout.frame_previous, const void *, frame);
  set_innermost(frame);
  CHECK(walk(64) == 64);
}

TEST(after_a_walk_that_failed_care_is_taken_again) { run_alone(be_careful_again); }

static void read_one_alone(void) {
  begin();
  set_innermost(chain(1));
  for (int i = 0; i < 8; i++)
    CHECK(walk(64) == 1);
  set_innermost(make_frame(code, 0, unreadable(), 0));
  CHECK(walk(64) == 0 && python_frames_failed_walks() == 1);
}

TEST(a_frame_alone_proves_nothing) { run_alone(read_one_alone); }

static void refuse(void) {
  CHECK(python_layouts_find("3.12.1", NULL, &layout));
  char text[PYTHON_VERSION_BYTES];
  version = "3.16.0a1+ and more that nobody needs to know";
  CHECK(!python_frames_start() && !python_frames_start());
  CHECK(python_frames_state() == PROFILE_PYTHON_UNKNOWN);
  python_frames_version(text);
  CHECK(strcmp(text, "3.16.0a1+") == 0);
}

TEST(another_version_is_not_read) { run_alone(refuse); }

static void refuse_headers(void) { /* types are not where they are in a build of other settings */
  CHECK(!python_frames_start() && python_frames_state() == PROFILE_PYTHON_UNKNOWN);
}

TEST(objects_that_begin_otherwise_are_not_read) { run_alone(refuse_headers); }

/* ---- texts ---- */

static bool describes(const void *text, const char *file) {
  python_frame frame = {.code = code, .file = text, .function = make_text("f")};
  return python_frames_describe(&frame, &line) && strcmp(line.file, file) == 0;
}

static void write_widths(void) {
  begin();
  static const uint8_t latin[] = {'a', 0xe9, 0xff, 0};
  static const uint16_t wide[] = {'a', 0x3b1, 0x65e5, 0xd800, 0xdcff, 0xffff};
  static const uint32_t widest[] = {'a', 0x1f600, 0x10ffff, 0x110000, 0xdfff, 0xffffffff};
  char *at = make_object(NULL);
  CHECK(describes(make_text(""), ""));
  CHECK(describes(make_text_at(at, latin, 4, 1, false), "aéÿ\ufffd"));
  CHECK(describes(make_text_at(at, wide, 6, 2, false), "aα日\ufffd\ufffd\xef\xbf\xbf"));
  CHECK(describes(make_text_at(at, widest, 6, 4, false), "a😀\xf4\x8f\xbf\xbf\ufffd\ufffd\ufffd"));
}

TEST(texts_of_all_widths_become_utf8) { run_alone(write_widths); }

static void cut_texts(void) {
  begin();
  static char long_object[1 << 17] __attribute__((aligned(16)));
  static char path[1 << 16], wanted[PYTHON_FILE_BYTES];
  memset(path, 'p', sizeof path);
  memset(wanted, 'p', PYTHON_FILE_BYTES - 1);
  CHECK(describes(make_text_at(long_object, path, PYTHON_FILE_BYTES - 1, 1, true), wanted));
  memcpy(wanted, "...", 3);
  CHECK(describes(make_text_at(long_object, path, PYTHON_FILE_BYTES, 1, true), wanted));
  path[sizeof path - 1] = 'e';
  wanted[PYTHON_FILE_BYTES - 2] = 'e';
  CHECK(describes(make_text_at(long_object, path, sizeof path, 1, true), wanted));
  /* A character of two bytes is cut nowhere: 508 bytes are left, the last of which is an "e". */
  memset(path, 0xe9, sizeof path);
  path[299] = 'e';
  CHECK(python_frames_describe(
      &(python_frame){code, make_text_at(long_object, path, 300, 1, false), make_text("f"), code, 0, 0},
      &line));
  CHECK(strlen(line.file) == 3 + 2 * 253 + 1 && strncmp(line.file, "...é", 5) == 0);
}

TEST(of_a_long_text_the_end_is_kept) { run_alone(cut_texts); }

static void refuse_texts(void) {
  begin();
  char *text = make_text("x");
  memset(&line, 7, sizeof line);
  const python_line before = line;
  CHECK(!describes(NULL, "") && !describes(unreadable(), "") && !describes(code, "") &&
        !describes(text + 4, ""));
  PUT(text, layout.text_length, int64_t, -1);
  CHECK(!describes(text, ""));
  PUT(text, layout.text_length, int64_t, INT64_MAX);
  CHECK(!describes(text, ""));
  PUT(text, layout.text_length, int64_t, (int64_t)1 << 50); /* its end lies nowhere */
  CHECK(!describes(text, ""));
  PUT(text, layout.text_length, int64_t, 1);
  PUT(text, layout.text_state, uint32_t, STATE(3U, 1U, 0U));
  CHECK(!describes(text, ""));
  PUT(text, layout.text_state, uint32_t, STATE(1U, 0U, 0U));
  CHECK(!describes(text, ""));
  CHECK(memcmp(&line, &before, sizeof line) == 0);
}

TEST(what_is_no_text_is_refused) { run_alone(refuse_texts); }

/* ---- threads ---- */

static void *start_and_walk(__attribute__((unused)) void *index) {
  python_frame own[64];
  for (int i = 0; i < 2000; i++) {
    size_t count = python_frames_start() ? python_frames_walk(own, 64) : 0;
    CHECK(count == 0 || count == 5);
  }
  return NULL;
}

static void start_at_once(void) {
  uint64_t from = 0, to = 0, function = (uintptr_t)Py_GetVersion;
  make_python();
  set_innermost(chain(5));
  unit_run_threads(8, start_and_walk);
  CHECK(python_frames_start() && walk(64) == 5 && python_frames_failed_walks() == 0);
  CHECK(python_frames_text(&from, &to) && from <= function && function < to);
}

TEST(threads_may_begin_at_once) { run_alone(start_at_once); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_come_innermost_first),
      cmocka_unit_test(no_more_frames_than_wanted_and_those_not_begun_too),
      cmocka_unit_test(what_is_no_code_of_a_programs_is_no_frame),
      cmocka_unit_test(nothing_is_read_of_an_interpreter_that_ends),
      cmocka_unit_test(walks_that_all_fail_are_given_up),
      cmocka_unit_test(what_is_no_frame_is_found_out),
      cmocka_unit_test(after_a_walk_that_failed_care_is_taken_again),
      cmocka_unit_test(a_frame_alone_proves_nothing),
      cmocka_unit_test(another_version_is_not_read),
      cmocka_unit_test(objects_that_begin_otherwise_are_not_read),
      cmocka_unit_test(texts_of_all_widths_become_utf8),
      cmocka_unit_test(of_a_long_text_the_end_is_kept),
      cmocka_unit_test(what_is_no_text_is_refused),
      cmocka_unit_test(threads_may_begin_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
