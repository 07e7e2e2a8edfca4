/* The Python frames of the calling thread, read without the GIL: a thread cannot change its own frames while
 * it is in here, and they keep alive what is read of them.
 *
 * python_frames_walk and python_frames_describe may be called from within malloc, in any thread, in a fork's
 * child, and while the interpreter ends. They take no lock, allocate nothing and keep errno. Memory is read
 * as the interpreter's layout (python_layouts.h) says; the first walks are made with the kernel asked for
 * each address, so that a layout that is wrong after all ends them and not the program.
 *
 * Code of a sub-interpreter shows its own frames from 3.12 on, and before those of the code that runs it. */
#ifndef ARROWPOOL_PROFILE_PYTHON_FRAMES_H
#define ARROWPOOL_PROFILE_PYTHON_FRAMES_H

#include "profile/profile_format.h"
#include "profile/python_runtime.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a frame executes, and where. It is the same bytes, of which none are left over, each time that this
 * place is executed; so a caller can keep what it once found out. Another code object may come to lie where
 * one has been, and is told from it by the rest, unless all of its parts lie where the other's did: as with
 * code that a program makes over and over, each time to throw it away. */
typedef struct python_frame {
  const void *code;
  const void *file, *function, *lines; /* the code object's: co_filename, its name, and its table of lines */
  int32_t instruction;                 /* bytes from the first one; below 0 before it */
  int32_t first_line;
} python_frame;

/* The longest texts with their NUL (bytes). A longer one loses its beginning, for which "..." stands. */
#define PYTHON_FILE_BYTES     512
#define PYTHON_FUNCTION_BYTES 256

/* The same as people read it; the texts are UTF-8, and what is none in them is U+FFFD. */
typedef struct python_line {
  char file[PYTHON_FILE_BYTES], function[PYTHON_FUNCTION_BYTES];
  int32_t line, first_line; /* 0: not known */
} python_line;

/* Looks for the interpreter, and returns whether frames can be read. Once there is one, found or of a kind
 * that cannot be read, the answer stays; until then it is cheap to ask again, which makes sense whenever a
 * library was loaded. It takes the loader's lock and may allocate. Thread-safe: to a thread that comes while
 * another one looks it returns false. */
bool python_frames_start(void);

/* Returns PROFILE_PYTHON_ABSENT, _READ or _UNKNOWN. It changes from _READ to _UNKNOWN if the first walks
 * find that they cannot read. Thread-safe, as are those that follow. */
profile_python python_frames_state(void);

/* Writes the interpreter's version, such as "3.12.1"; "" if there is none. */
void python_frames_version(char out[PYTHON_VERSION_BYTES]);

/* Tells where the machine code of the interpreter is: its library, or the program that it is linked into.
 * Returns false if there is none; the addresses are untouched then. */
bool python_frames_text(uint64_t *from, uint64_t *to);

/* Reads the calling thread's frames, innermost first, and returns how many it wrote: at most `most`. 0: it
 * has none, or is not Python's, or there is nothing that can be read, or the interpreter is ending. */
size_t python_frames_walk(python_frame *out, size_t most);

/* Returns how many walks did not reach the outermost frame for that something was not what it should be. */
int64_t python_frames_failed_walks(void);

/* Reads what the frame stands for: the caller has it from a walk and has not returned to Python since.
 * Returns false if it cannot be read; `out` is untouched then. */
bool python_frames_describe(const python_frame *frame, python_line *out);

#endif
