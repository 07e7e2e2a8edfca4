/* Prints the layout of a Python (lib/profile/python_layouts.h) as its headers have it, in the form of a row
 * of the tables in python_layouts.c: the second table's from 3.13 on, behind it. scripts/python-layout
 * compiles it. */
#define Py_BUILD_CORE 1 /* its internal headers want it */
#include <Python.h>

#include <frameobject.h>
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_frame.h>
#endif
#if PY_VERSION_HEX >= 0x030d0000
#include <internal/pycore_runtime.h>
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_debug_offsets.h>
#include <internal/pycore_interpframe_structs.h>
#endif

#include "profile/python_layouts.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifdef Py_GIL_DISABLED
#define FREE_THREADED 1
#else
#define FREE_THREADED 0
#endif

static const python_layout layout = {
    .object_type = offsetof(PyObject, ob_type),
    .object_count = offsetof(PyVarObject, ob_size),
#if PY_VERSION_HEX < 0x030b0000
    .thread_frame = offsetof(PyThreadState, frame),
    .holder_frame = PYTHON_NO_FIELD,
    .frame_previous = offsetof(struct _frame, f_back),
    .frame_code = offsetof(struct _frame, f_code),
    .frame_instruction = offsetof(struct _frame, f_lasti),
    .frame_owner = PYTHON_NO_FIELD,
    .code_name = offsetof(PyCodeObject, co_name),
    .code_instructions = PYTHON_NO_FIELD,
#else
    .frame_previous = offsetof(_PyInterpreterFrame, previous),
    .frame_owner = offsetof(_PyInterpreterFrame, owner),
    .code_name = offsetof(PyCodeObject, co_qualname),
    .code_instructions = offsetof(PyCodeObject, co_code_adaptive),
#if PY_VERSION_HEX < 0x030d0000
    .thread_frame = offsetof(PyThreadState, cframe),
    .holder_frame = offsetof(_PyCFrame, current_frame),
    .frame_code = offsetof(_PyInterpreterFrame, f_code),
    .frame_instruction = offsetof(_PyInterpreterFrame, prev_instr),
#else
    .thread_frame = offsetof(PyThreadState, current_frame),
    .holder_frame = PYTHON_NO_FIELD,
    .frame_code = offsetof(_PyInterpreterFrame, f_executable),
    .frame_instruction = offsetof(_PyInterpreterFrame, instr_ptr),
#endif
#endif
#if PY_VERSION_HEX >= 0x030e0000 && FREE_THREADED
    .frame_copy = offsetof(_PyInterpreterFrame, tlbc_index),
    .code_copies = offsetof(PyCodeObject, co_tlbc),
    .text_state_skip = 8,
#else
    .frame_copy = PYTHON_NO_FIELD,
    .code_copies = PYTHON_NO_FIELD,
    .text_state_skip = 2,
#endif
    .code_first_line = offsetof(PyCodeObject, co_firstlineno),
    .code_file = offsetof(PyCodeObject, co_filename),
#if PY_VERSION_HEX < 0x030a0000
    .code_lines = offsetof(PyCodeObject, co_lnotab),
    .instruction_bytes = 1,
#else
    .code_lines = offsetof(PyCodeObject, co_linetable),
    .instruction_bytes = 2,
#endif
    .text_length = offsetof(PyASCIIObject, length),
    .text_state = offsetof(PyASCIIObject, state),
    .text_ascii = sizeof(PyASCIIObject),
    .text_wide = sizeof(PyCompactUnicodeObject),
};

static python_text_state state_of(const PyASCIIObject *text) {
  uint32_t bits;
  memcpy(&bits, &text->state, sizeof bits);
  return python_text_state_of(&layout, bits);
}

/* Returns whether the bits of a string's state are where python_text_state has them. */
static bool states_agree(void) {
  PyASCIIObject text;
  memset(&text, 0, sizeof text);
  text.state.interned = 3;
  text.state.kind = 4;
  text.state.ascii = 1;
  python_text_state state = state_of(&text);
  bool agree = state.width == 4 && state.is_ascii && !state.is_compact;
  text.state.kind = 1;
  text.state.ascii = 0;
  text.state.compact = 1;
  state = state_of(&text);
  return agree && state.width == 1 && !state.is_ascii && state.is_compact;
}

int main(void) {
  if (!states_agree()) {
    fputs("a string's state is another than python_text_state\n", stderr);
    return 1;
  }
#define X(name) printf(".%s = %d,\n", #name, layout.name);
  PYTHON_LAYOUT_FIELDS(X)
  X(instruction_bytes)
  X(text_state_skip)
#undef X
#if PY_VERSION_HEX >= 0x030d0000
  printf("\n.minor = %d,\n", PY_MINOR_VERSION);
#define X(name, field) printf(".%s = %zu,\n", #name, offsetof(_Py_DebugOffsets, field));
  PYTHON_LAYOUT_TOLD(X)
#if PY_VERSION_HEX >= 0x030e0000
  PYTHON_LAYOUT_TOLD_OF_COPIES(X)
#endif
#endif
  return 0;
}
