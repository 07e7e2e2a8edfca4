/* A program that loads an interpreter and has it walk its frames, twice, ending it in between.
 *
 * probe_embed LIBPYTHON local|global; prints the frames. */
#include "probe_frames.h"
#include "profile/python_frames.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(bool fact, const char *what) {
  if (!fact) {
    fprintf(stderr, "not so: %s\n", what);
    exit(1);
  }
}

static void *library;

static void *symbol(const char *name) {
  void *found = dlsym(library, name);
  expect(found != NULL, name);
  return found;
}

/* Python's function walk(). */
static void *walk(void *self, void *arguments) {
  python_frame frames[8];
  python_line line;
  size_t count = python_frames_walk(frames, 8);
  (void)self;
  (void)arguments;
  for (size_t i = 0; i < count; i++) {
    expect(python_frames_describe(&frames[i], &line), "each frame can be described");
    printf("%s:%d %s\n", line.file, line.line, line.function);
  }
  void *none = symbol("_Py_NoneStruct");
  ((void (*)(void *))symbol("Py_IncRef"))(none);
  return none;
}

/* Python's declaration of it. */
static struct {
  const char *name;
  void *(*function)(void *self, void *arguments);
  int flags;
  const char *description;
} method = {"walk", walk, 4 /* METH_NOARGS */, NULL};

static bool has_no_frames(void) {
  python_frame frame;
  return python_frames_walk(&frame, 1) == 0;
}

static void use_python(void) {
  static const char code[] = "def inner():\n  walk()\ndef outer():\n  inner()\nouter()\n";
  expect(has_no_frames(), "there are none before the interpreter begins");
  ((void (*)(int))symbol("Py_InitializeEx"))(0);
  expect(has_no_frames(), "there are none while nothing runs");
  void *main_module = ((void *(*)(const char *))symbol("PyImport_AddModule"))("__main__");
  void *function = ((void *(*)(void *, void *, void *))symbol("PyCFunction_NewEx"))(&method, NULL, NULL);
  expect(((int (*)(void *, const char *, void *))symbol("PyModule_AddObject"))(main_module, "walk",
                                                                               function) == 0,
         "the module has the function");
  expect(((int (*)(const char *, void *))symbol("PyRun_SimpleStringFlags"))(code, NULL) == 0,
         "the code runs");
  expect(has_no_frames(), "there are none after it ran");
  expect(((int (*)(void))symbol("Py_FinalizeEx"))() == 0, "the interpreter ends");
  expect(has_no_frames(), "there are none after its end");
}

static bool is_in_text(const void *address) {
  uint64_t from, to;
  return python_frames_text(&from, &to) && (uintptr_t)address - from < to - from;
}

int main(int argc, char **argv) {
  char version[PYTHON_VERSION_BYTES];
  expect(argc == 3, "two arguments");
  expect(!python_frames_start() && !python_frames_start(), "no Python at first");
  expect(python_frames_state() == PROFILE_PYTHON_ABSENT && !is_in_text((void *)main), "and it says so");
  python_frames_version(version);
  expect(*version == '\0', "no version at first");
  library = dlopen(argv[1], RTLD_NOW | (strcmp(argv[2], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL));
  expect(library != NULL, argv[1]);
  expect(python_frames_start() && python_frames_state() == PROFILE_PYTHON_READ,
         "it is found when it is there");
  expect(is_in_text(symbol("PyEval_EvalCode")) && !is_in_text((void *)main), "the text is the library's");
  use_python();
  use_python();
  expect(python_frames_failed_walks() == 0, "no walk failed");
  return 0;
}
