/* Frames of a Python without a GIL, in which each thread runs a copy of a code's instructions: the test is
 * the interpreter, a 3.14, whose objects lie as its headers say. test_python_frames.c has all else. */
#include "unit.h"

#include "base/readable.h"
#include "profile/python_frames.h"

#include <string.h>
#include <sys/mman.h>

const char *Py_GetVersion(void);
void *PyGILState_GetThisThreadState(void);
int PyCode_Addr2Line(void *code, int instruction);
int Py_IsFinalizing(void);
extern char PyType_Type[64], PyCode_Type[64], PyUnicode_Type[64];
extern uint64_t _PyRuntime[128]; /* NOLINT(bugprone-reserved-identifier): it is the interpreter's */

/* ---- the interpreter ---- */

enum { TYPE = 24, COUNT = 32, LENGTH = 32, STATE = 48, ASCII = 56 };         /* of an object, and a string */
enum { FRAME = 72, CODE = 0, PREVIOUS = 8, AT = 56, COPY = 72, OWNER = 78 }; /* of a thread, and of a frame */
enum { FIRST_LINE = 84, FILE_NAME = 128, NAME = 144, LINES = 152, COPIES = 224, INSTRUCTIONS = 232 };

char PyType_Type[64], PyCode_Type[64], PyUnicode_Type[64];
uint64_t _PyRuntime[128] = {[1] = 0x030e02f0,         [2] = 1,
                            [408 / 8] = TYPE,         [464 / 8] = COUNT,
                            [208 / 8] = FRAME,        [256 / 8] = PREVIOUS,
                            [264 / 8] = CODE,         [272 / 8] = AT,
                            [288 / 8] = OWNER,        [304 / 8] = COPY,
                            [352 / 8] = FIRST_LINE,   [320 / 8] = FILE_NAME,
                            [336 / 8] = NAME,         [344 / 8] = LINES,
                            [384 / 8] = INSTRUCTIONS, [392 / 8] = COPIES,
                            [632 / 8] = LENGTH,       [624 / 8] = STATE,
                            [640 / 8] = ASCII};

static _Alignas(16) char thread[128], frame[128], code[256], text[128], first_copies[40], copy[20];

const char *Py_GetVersion(void) { return "3.14.2 free-threading build (made up)"; }
void *PyGILState_GetThisThreadState(void) { return thread; }
int PyCode_Addr2Line(void *of, int instruction) { return of == code ? 100 + instruction : -1; }
int Py_IsFinalizing(void) { return 0; }

#define PUT(object, position, type, value) memcpy((object) + (position), &(type){value}, sizeof(type))

/* Makes the frame be at an instruction of the copy with that number. */
static void set_place(const char *at, int number) {
  PUT(frame, AT, const char *, at);
  PUT(frame, COPY, int32_t, number);
}

static void begin(void) {
  memcpy(_PyRuntime, "xdebugpy", 8);
  PUT(PyCode_Type, TYPE, const void *, PyType_Type);
  PUT(text, TYPE, const void *, PyUnicode_Type);
  PUT(text, LENGTH, int64_t, 4);
  PUT(text, STATE, uint32_t, (1U | 1U << 3 | 1U << 4) << 8 | 3); /* how it is interned has a byte here */
  memcpy(text + ASCII, "x.py", 4);
  PUT(code, TYPE, const void *, PyCode_Type);
  PUT(code, COUNT, int64_t, 10);
  PUT(code, FILE_NAME, const void *, text);
  PUT(code, NAME, const void *, text);
  PUT(code, LINES, const void *, text);
  PUT(code, COPIES, const void *, first_copies);
  PUT(first_copies, 0, int64_t, 4);
  PUT(first_copies, 8, const void *, code + INSTRUCTIONS);
  PUT(first_copies, 24, const void *, copy); /* of the thread 2; 1 and 3 have not run it */
  PUT(frame, CODE, const char *, code + 1);  /* tagged: its reference is not counted */
  PUT(thread, FRAME, const void *, frame);
  CHECK(python_frames_start() && python_frames_state() == PROFILE_PYTHON_READ);
}

static void run_alone(void (*body)(void)) {
  if (!readable_can_tell())
    SKIP("the kernel does not tell what can be read");
  assert_true(unit_in_child(body));
}

/* ---- tests ---- */

static bool reads(int line) {
  python_frame found;
  python_line described;
  return python_frames_walk(&found, 1) == 1 && python_frames_describe(&found, &described) &&
         described.line == line && strcmp(described.file, "x.py") == 0;
}

static void read_copies(void) {
  begin();
  set_place(code + INSTRUCTIONS + 6, 0);
  CHECK(reads(106));
  set_place(copy + 8, 2);
  CHECK(reads(108));
  for (int i = 0; i < 8; i++) /* also when no more is asked of the kernel */
    CHECK(reads(108));
  CHECK(python_frames_failed_walks() == 0);
}

TEST(the_line_is_that_of_the_threads_own_copy) { run_alone(read_copies); }

static void refuse_copies(void) {
  int64_t failed = 0;
  python_frame found;
#define FAILS(at, number)                                                                                    \
  (set_place(at, number), python_frames_walk(&found, 1) == 0 && python_frames_failed_walks() == ++failed)
  begin();
  CHECK(FAILS(copy + 8, 0));                /* of another copy */
  CHECK(FAILS(code + INSTRUCTIONS + 6, 2)); /* likewise */
  CHECK(FAILS(copy + 8, 3));                /* of one that there is not */
  CHECK(FAILS(copy + 8, 4));                /* of none */
  CHECK(FAILS(copy + 8, -1));               /* likewise */
  PUT(code, COPIES, const void *, NULL);
  CHECK(FAILS(copy + 8, 2));
  char *memory = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  PUT(code, COPIES, const void *, memory);
  CHECK(FAILS(copy + 8, 2));
  PUT(code, COPIES, const void *, first_copies);
  set_place(copy + 8, 2);
  CHECK(reads(108));
}

TEST(a_copy_that_there_is_not_is_found_out) { run_alone(refuse_copies); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_line_is_that_of_the_threads_own_copy),
      cmocka_unit_test(a_copy_that_there_is_not_is_found_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
