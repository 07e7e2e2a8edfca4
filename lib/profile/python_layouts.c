/* The layouts of 3.9 to 3.12, and how 3.13 and 3.14 tell theirs. */
#include "profile/python_layouts.h"

#include <stddef.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* scripts/python-layout writes these rows, and those below. */
static const struct {
  int minor;
  python_layout layout;
} layouts[] = {
    {9,
     {.object_type = 8,
      .object_count = 16,
      .thread_frame = 24,
      .holder_frame = PYTHON_NO_FIELD,
      .frame_previous = 24,
      .frame_code = 32,
      .frame_instruction = 104,
      .frame_owner = PYTHON_NO_FIELD,
      .frame_copy = PYTHON_NO_FIELD,
      .code_first_line = 40,
      .code_file = 104,
      .code_name = 112,
      .code_lines = 120,
      .code_instructions = PYTHON_NO_FIELD,
      .code_copies = PYTHON_NO_FIELD,
      .text_length = 16,
      .text_state = 32,
      .text_ascii = 48,
      .text_wide = 72,
      .instruction_bytes = 1,
      .text_state_skip = 2}},
    {10,
     {.object_type = 8,
      .object_count = 16,
      .thread_frame = 24,
      .holder_frame = PYTHON_NO_FIELD,
      .frame_previous = 24,
      .frame_code = 32,
      .frame_instruction = 96,
      .frame_owner = PYTHON_NO_FIELD,
      .frame_copy = PYTHON_NO_FIELD,
      .code_first_line = 40,
      .code_file = 104,
      .code_name = 112,
      .code_lines = 120,
      .code_instructions = PYTHON_NO_FIELD,
      .code_copies = PYTHON_NO_FIELD,
      .text_length = 16,
      .text_state = 32,
      .text_ascii = 48,
      .text_wide = 72,
      .instruction_bytes = 2,
      .text_state_skip = 2}},
    {11,
     {.object_type = 8,
      .object_count = 16,
      .thread_frame = 56,
      .holder_frame = 8,
      .frame_previous = 48,
      .frame_code = 32,
      .frame_instruction = 56,
      .frame_owner = 69,
      .frame_copy = PYTHON_NO_FIELD,
      .code_first_line = 72,
      .code_file = 112,
      .code_name = 128,
      .code_lines = 136,
      .code_instructions = 184,
      .code_copies = PYTHON_NO_FIELD,
      .text_length = 16,
      .text_state = 32,
      .text_ascii = 48,
      .text_wide = 72,
      .instruction_bytes = 2,
      .text_state_skip = 2}},
    {12,
     {.object_type = 8,
      .object_count = 16,
      .thread_frame = 56,
      .holder_frame = 0,
      .frame_previous = 8,
      .frame_code = 0,
      .frame_instruction = 56,
      .frame_owner = 70,
      .frame_copy = PYTHON_NO_FIELD,
      .code_first_line = 68,
      .code_file = 112,
      .code_name = 128,
      .code_lines = 136,
      .code_instructions = 192,
      .code_copies = PYTHON_NO_FIELD,
      .text_length = 16,
      .text_state = 32,
      .text_ascii = 40,
      .text_wide = 56,
      .instruction_bytes = 2,
      .text_state_skip = 2}},
};

/* ---- the version ---- */

/* Reads a number and returns what follows it; NULL if there is none. */
static const char *read_number(const char *text, int *out) {
  const char *digit = text;
  for (*out = 0; *digit >= '0' && *digit <= '9' && *out < 1000; digit++)
    *out = *out * 10 + (*digit - '0');
  return digit > text ? digit : NULL;
}

/* Returns the second number of a version "3.MINOR.MICRO"; -1 for any other, and for alphas and betas, whose
 * layouts are not the final ones. */
static int minor_of(const char *version) {
  int minor, micro;
  if (strncmp(version, "3.", 2) != 0)
    return -1;
  const char *rest = read_number(version + 2, &minor);
  if (!rest || *rest != '.')
    return -1;
  rest = read_number(rest + 1, &micro);
  return rest && *rest != 'a' && *rest != 'b' ? minor : -1;
}

bool python_layouts_is_free_threaded(const char *version) {
  return strstr(version, "free-threading") != NULL;
}

/* ---- what the interpreter tells ---- */

/* What _Py_DebugOffsets begins with: the same in both versions. */
typedef struct debug_head {
  char cookie[8];
  uint64_t version; /* PY_VERSION_HEX */
  uint64_t free_threaded;
} debug_head;

#define LARGEST_POSITION 1024 /* bytes; nothing that is told lies as far from its object's start */

/* Where in it each field lies (bytes); 0: it is not told. */
static const struct {
  int minor;
  int16_t text_state_skip, text_state_skip_without_gil;
#define X(name, field) uint16_t name;
  PYTHON_LAYOUT_TOLD(X)
  PYTHON_LAYOUT_TOLD_OF_COPIES(X)
#undef X
} told[] = {
    {.minor = 13,
     .text_state_skip = 2,
     .text_state_skip_without_gil = 2,
     .object_type = 360,
     .object_count = 416,
     .thread_frame = 184,
     .frame_previous = 232,
     .frame_code = 240,
     .frame_instruction = 248,
     .frame_owner = 264,
     .code_first_line = 312,
     .code_file = 280,
     .code_name = 296,
     .code_lines = 304,
     .code_instructions = 344,
     .text_length = 552,
     .text_state = 544,
     .text_ascii = 560},
    {.minor = 14,
     .text_state_skip = 2,
     .text_state_skip_without_gil = 8,
     .object_type = 408,
     .object_count = 464,
     .thread_frame = 208,
     .frame_previous = 256,
     .frame_code = 264,
     .frame_instruction = 272,
     .frame_owner = 288,
     .code_first_line = 352,
     .code_file = 320,
     .code_name = 336,
     .code_lines = 344,
     .code_instructions = 384,
     .text_length = 632,
     .text_state = 624,
     .text_ascii = 640,
     .frame_copy = 304,
     .code_copies = 392},
};

static bool head_fits(const debug_head *head, int minor, bool is_free_threaded) {
  return memcmp(head->cookie, "xdebugpy", sizeof head->cookie) == 0 &&
         head->version >> 16 == (uint64_t)(0x300 | minor) && head->free_threaded == is_free_threaded;
}

/* Returns false if that is no position in an object. */
static bool read_position(const char *offsets, size_t at, int16_t *out) {
  uint64_t position;
  memcpy(&position, offsets + at, sizeof position);
  *out = (int16_t)position;
  return position < LARGEST_POSITION;
}

/* Likewise of what only builds without a GIL may have, and says 0 elsewhere. */
static bool read_position_if_any(const char *offsets, size_t at, int16_t *out) {
  bool good = at == 0 || read_position(offsets, at, out);
  if (at == 0 || *out == 0)
    *out = PYTHON_NO_FIELD;
  return good;
}

static bool read_told(const char *offsets, size_t row, bool is_free_threaded, python_layout *out) {
  debug_head head;
  memcpy(&head, offsets, sizeof head);
  if (!head_fits(&head, told[row].minor, is_free_threaded))
    return false;
  python_layout read = {.holder_frame = PYTHON_NO_FIELD, .instruction_bytes = 2};
#define X(name, field)                                                                                       \
  if (!read_position(offsets, told[row].name, &read.name))                                                   \
    return false;
  PYTHON_LAYOUT_TOLD(X)
#undef X
#define X(name, field)                                                                                       \
  if (!read_position_if_any(offsets, told[row].name, &read.name))                                            \
    return false;
  PYTHON_LAYOUT_TOLD_OF_COPIES(X)
#undef X
  read.text_state_skip = is_free_threaded ? told[row].text_state_skip_without_gil : told[row].text_state_skip;
  read.text_wide = (int16_t)(read.text_ascii + 16); /* behind the length and the address of its UTF-8 */
  *out = read;
  return true;
}

bool python_layouts_knows(const char *version) {
  int minor = minor_of(version);
  bool known = false;
  for (size_t i = 0; i < COUNT_OF(layouts); i++)
    known |= layouts[i].minor == minor && !python_layouts_is_free_threaded(version);
  for (size_t i = 0; i < COUNT_OF(told); i++)
    known |= told[i].minor == minor;
  return known;
}

bool python_layouts_find(const char *version, const void *runtime, python_layout *out) {
  int minor = minor_of(version);
  bool is_free_threaded = python_layouts_is_free_threaded(version);
  for (size_t i = 0; i < COUNT_OF(layouts); i++)
    if (layouts[i].minor == minor && !is_free_threaded) {
      *out = layouts[i].layout;
      return true;
    }
  for (size_t i = 0; i < COUNT_OF(told); i++)
    if (told[i].minor == minor)
      return runtime && read_told(runtime, i, is_free_threaded, out);
  return false;
}
