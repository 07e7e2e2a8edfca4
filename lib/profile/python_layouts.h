/* Where CPython keeps what its stacks are made of: positions in its thread states, frames, code objects and
 * strings, which differ by version. Those of 3.9 to 3.12 are written down here; later versions tell them
 * themselves, in _Py_DebugOffsets, of which only the order of its own fields has to be known.
 * scripts/python-layout has them from the headers of a version, and a test holds them to that.
 *
 * They are those of 64-bit processors. Builds without a GIL are known from 3.13 on. */
#ifndef ARROWPOOL_PROFILE_PYTHON_LAYOUTS_H
#define ARROWPOOL_PROFILE_PYTHON_LAYOUTS_H

#include <stdbool.h>
#include <stdint.h>

#define PYTHON_NO_FIELD (-1)

/* X(name) for each position (bytes):
 *   object_type       in an object: its type, and object_count, in one of several parts: how many
 *   thread_frame      in a thread state: its innermost frame, or a structure that has it at holder_frame
 *   frame_instruction in a frame: the instruction that it is at, as a number, or where code_instructions is a
 *                     field, as its address
 *   frame_copy        in a frame: which of its code's copies it is at, where each thread has one of its own
 *   frame_owner       in a frame: a byte that tells frames without code
 *   code_name         in a code object: co_qualname, or before 3.11 co_name
 *   code_lines        likewise: what its lines are worked out from
 *   code_copies       likewise: where a python_copies is; the first copy is at code_instructions
 *   text_state        in a string: a python_text_state, behind text_state_skip bits
 *   text_ascii        likewise: its characters if all are ASCII, and text_wide, if they are not */
#define PYTHON_LAYOUT_FIELDS(X)                                                                              \
  X(object_type)                                                                                             \
  X(object_count)                                                                                            \
  X(thread_frame)                                                                                            \
  X(holder_frame)                                                                                            \
  X(frame_previous)                                                                                          \
  X(frame_code)                                                                                              \
  X(frame_instruction)                                                                                       \
  X(frame_owner)                                                                                             \
  X(frame_copy)                                                                                              \
  X(code_first_line)                                                                                         \
  X(code_file)                                                                                               \
  X(code_name)                                                                                               \
  X(code_lines)                                                                                              \
  X(code_instructions)                                                                                       \
  X(code_copies)                                                                                             \
  X(text_length)                                                                                             \
  X(text_state)                                                                                              \
  X(text_ascii)                                                                                              \
  X(text_wide)

/* X(name, field of _Py_DebugOffsets) for those that it tells. */
#define PYTHON_LAYOUT_TOLD(X)                                                                                \
  X(object_type, pyobject.ob_type)                                                                           \
  X(object_count, tuple_object.ob_size)                                                                      \
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

/* Likewise from 3.14 on; it says 0 for them where there are no copies. */
#define PYTHON_LAYOUT_TOLD_OF_COPIES(X)                                                                      \
  X(frame_copy, interpreter_frame.tlbc_index)                                                                \
  X(code_copies, code_object.co_tlbc)

typedef struct python_layout {
#define X(name) int16_t name;
  PYTHON_LAYOUT_FIELDS(X)
#undef X
  int16_t instruction_bytes; /* what frame_instruction counts, where it is a number */
  int16_t text_state_skip;   /* the bits of a string's state before the first that is of use here */
} python_layout;

typedef struct python_text_state {
  unsigned width : 3, is_compact : 1, is_ascii : 1; /* width: bytes of a character */
} python_text_state;

static inline python_text_state python_text_state_of(const python_layout *layout, uint32_t bits) {
  bits >>= layout->text_state_skip;
  return (python_text_state){.width = bits & 7, .is_compact = bits >> 3 & 1, .is_ascii = bits >> 4 & 1};
}

/* The copies of a code's instructions, for each thread that has run it; NULL for others. */
typedef struct python_copies {
  int64_t count;
  const char *first[];
} python_copies;

/* Finds the layout of an interpreter.
 *   version  what Py_GetVersion returns
 *   runtime  its _PyRuntime; NULL if it has none
 * Returns false if it is not known, and for a version before its first candidate; `out` is untouched then.
 * Thread-safe; it only reads. */
bool python_layouts_find(const char *version, const void *runtime, python_layout *out);

/* Returns whether interpreters of that version have a layout, as far as the version tells. */
bool python_layouts_knows(const char *version);

/* Returns whether that is such a build without a GIL. */
bool python_layouts_is_free_threaded(const char *version);

#endif
