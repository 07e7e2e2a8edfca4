/* Reads strings in any of the widths that CPython keeps them in. */
#include "profile/python_text.h"

#include "base/readable.h"

#include <string.h>

#define CUT         "..." /* it stands for a beginning that found no room */
#define LARGEST     0x10ffff
#define REPLACEMENT 0xfffd

static bool read_field(const char *object, int position, void *out, size_t size) {
  if (!readable(object + position, size))
    return false;
  memcpy(out, object + position, size);
  return true;
}

static bool is_text(const python_runtime *python, const char *object) {
  const void *type;
  return object && (uintptr_t)object % sizeof(void *) == 0 &&
         read_field(object, python->layout.object_type, &type, sizeof type) && type == python->text_type;
}

bool python_text_find(const python_runtime *python, const void *object, size_t most, python_text *out) {
  const python_layout *l = &python->layout;
  uint32_t bits;
  int64_t length;
  if (!is_text(python, object) || !read_field(object, l->text_state, &bits, sizeof bits) ||
      !read_field(object, l->text_length, &length, sizeof length))
    return false;
  python_text_state is = python_text_state_of(l, bits);
  if (!is.is_compact || (is.width != 1 && is.width != 2 && is.width != 4) || length < 0 ||
      length > INT64_MAX / 4)
    return false;
  bool fits = length <= (int64_t)most;
  size_t count = fits ? (size_t)length : most;
  const unsigned char *characters = (const unsigned char *)object +
                                    (is.is_ascii ? l->text_ascii : l->text_wide) +
                                    ((size_t)length - count) * is.width;
  if (count > 0 && !readable(characters, count * is.width))
    return false;
  *out = (python_text){characters, count, is.width, fits};
  return true;
}

/* A NUL would end the text, and half of a surrogate pair is no character. */
static bool has_place(uint32_t character) {
  return character != 0 && character <= LARGEST && (character < 0xd800 || character > 0xdfff);
}

static uint32_t character_at(const python_text *text, size_t index) {
  const unsigned char *at = text->characters + index * text->width;
  uint16_t half;
  uint32_t character = *at;
  if (text->width == sizeof half) {
    memcpy(&half, at, sizeof half);
    character = half;
  } else if (text->width == sizeof character)
    memcpy(&character, at, sizeof character);
  return has_place(character) ? character : REPLACEMENT;
}

static size_t utf8_bytes(uint32_t character) {
  return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

static char *write_utf8(char *out, uint32_t character) {
  static const unsigned char marks[] = {0, 0, 0xc0, 0xe0,
                                        0xf0}; /* of the first byte, by how many there are */
  size_t bytes = utf8_bytes(character);
  for (size_t i = bytes - 1; i > 0; i--, character >>= 6)
    out[i] = (char)(0x80 | (character & 0x3f));
  out[0] = (char)(marks[bytes] | character);
  return out + bytes;
}

/* Returns the first of the characters that fit, from the end backwards, into so many bytes. */
static size_t first_that_fits(const python_text *text, size_t bytes) {
  size_t first = text->count;
  for (; first > 0; first--) {
    size_t needed = utf8_bytes(character_at(text, first - 1));
    if (needed > bytes)
      break;
    bytes -= needed;
  }
  return first;
}

void python_text_write(const python_text *text, char *out, size_t size) {
  size_t i = first_that_fits(text, size - 1);
  if (i > 0 || !text->has_beginning) {
    i = first_that_fits(text, size - sizeof CUT);
    memcpy(out, CUT, strlen(CUT));
    out += strlen(CUT);
  }
  for (; i < text->count; i++)
    out = write_utf8(out, character_at(text, i));
  *out = '\0';
}
