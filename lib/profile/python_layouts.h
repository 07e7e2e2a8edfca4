/* Where CPython keeps what its stacks are made of: positions in its thread states, frames, code objects and
 * strings, which differ by version. Those of 3.9 to 3.12 are written down here; later versions tell them
 * themselves, in _Py_DebugOffsets, of which only the order of its own fields has to be known.
 * scripts/python-layout has them from the headers of a version, and a test holds them to that.
 *
 * They are those of 64-bit processors. */
#ifndef ARROWPOOL_PROFILE_PYTHON_LAYOUTS_H
#define ARROWPOOL_PROFILE_PYTHON_LAYOUTS_H

#include <stdbool.h>
#include <stdint.h>

#define PYTHON_NO_FIELD (-1)

/* X(name) for each position (bytes):
 *   thread_frame      in a thread state: its innermost frame, or a structure that has it at holder_frame
 *   frame_instruction in a frame: the instruction that it is at, as a number, or where code_instructions is a
 *                     field, as its address
 *   frame_owner       in a frame: a byte that tells frames without code
 *   code_name         in a code object: co_qualname, or before 3.11 co_name
 *   code_lines        likewise: what its lines are worked out from
 *   text_state        in a string: a python_text_state
 *   text_ascii        likewise: its characters if all are ASCII, and text_wide, if they are not */
#define PYTHON_LAYOUT_FIELDS(X)                                                                              \
  X(thread_frame)                                                                                            \
  X(holder_frame)                                                                                            \
  X(frame_previous)                                                                                          \
  X(frame_code)                                                                                              \
  X(frame_instruction)                                                                                       \
  X(frame_owner)                                                                                             \
  X(code_first_line)                                                                                         \
  X(code_file)                                                                                               \
  X(code_name)                                                                                               \
  X(code_lines)                                                                                              \
  X(code_instructions)                                                                                       \
  X(text_length)                                                                                             \
  X(text_state)                                                                                              \
  X(text_ascii)                                                                                              \
  X(text_wide)

/* X(name, field of _Py_DebugOffsets) for those that it tells. */
#define PYTHON_LAYOUT_TOLD(X)                                                                                \
  X(thread_frame, thread_state.current_frame)                                                                \
  X(frame_previous, interpreter_frame.previous)                                                              \
  X(frame_code, interpreter_frame.executable)                                                                \
  X(frame_instruction, interpreter_frame.instr_ptr)                                                          \
  X(frame_owner, interpreter_frame.owner)                                                                    \
  X(code_first_line, code_object.firstlineno)                                                                \
  X(code_file, code_object.filename)                                                                         \
  X(code_name, code_object.qualname)                                                                         \
  X(code_lines, code_object.linetable)                                                                       \
  X(code_instructions, code_object.co_code_adaptive)                                                         \
  X(text_length, unicode_object.length)                                                                      \
  X(text_state, unicode_object.state)                                                                        \
  X(text_ascii, unicode_object.asciiobject_size)

typedef struct python_layout {
#define X(name) int16_t name;
  PYTHON_LAYOUT_FIELDS(X)
#undef X
  int16_t instruction_bytes; /* what frame_instruction counts, where it is a number */
} python_layout;

/* Of an object, in all of these versions. */
enum { PYTHON_TYPE = 8, PYTHON_COUNT = 16 };

typedef struct python_text_state {
  unsigned interned : 2, width : 3, is_compact : 1, is_ascii : 1; /* width: bytes of a character */
} python_text_state;

/* Finds the layout of an interpreter.
 *   version  what Py_GetVersion returns
 *   runtime  its _PyRuntime; NULL if it has none
 * Returns false if it is not known, and for a build that locks without a GIL, or a version before its first
 * candidate; `out` is untouched then. Thread-safe; it only reads. */
bool python_layouts_find(const char *version, const void *runtime, python_layout *out);

/* Returns whether interpreters of that version have a layout, as far as the version tells. */
bool python_layouts_knows(const char *version);

/* Returns whether that is such a build without a GIL. */
bool python_layouts_is_free_threaded(const char *version);

#endif
