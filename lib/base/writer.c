/* Formats text, numbers and quoted strings into the writer's buffer. */
#include "base/writer.h"

#include <stdarg.h>
#include <string.h>

void writer_init(writer *w, arrowpool_write_fn write, void *context) {
  w->write = write;
  w->context = context;
  w->used = 0;
  w->failed = false;
}

static void flush(writer *w) {
  if (w->used && !w->failed)
    w->failed = w->write(w->context, w->buffer, w->used) != 0;
  w->used = 0;
}

bool writer_finish(writer *w) {
  flush(w);
  return !w->failed;
}

int writer_keep(void *kept, const char *text, size_t size) {
  writer_kept *k = kept;
  size_t room = k->size - 1 - k->used;
  bool fits = size <= room;
  size = fits ? size : room;
  memcpy(k->text + k->used, text, size);
  k->used += size;
  k->text[k->used] = 0;
  return !fits;
}

void writer_bytes(writer *w, const char *text, size_t size) {
  while (size) {
    size_t part = sizeof w->buffer - w->used;
    part = part < size ? part : size;
    memcpy(w->buffer + w->used, text, part);
    w->used += part;
    text += part;
    size -= part;
    if (w->used == sizeof w->buffer)
      flush(w);
  }
}

void writer_text(writer *w, const char *text) { writer_bytes(w, text, strlen(text)); }

size_t writer_format_int(char *out, int64_t number) {
  char digits[24];
  size_t count = 0, length = 0;
  uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
  do
    digits[count++] = (char)('0' + rest % 10);
  while (rest /= 10);
  if (number < 0)
    out[length++] = '-';
  while (count)
    out[length++] = digits[--count];
  out[length] = 0;
  return length;
}

/* A number in units of a power, rounded half up: in tenths, and in whole ones. */
typedef struct scaled {
  uint64_t tenths, whole;
  char letter; /* it stands for the power; a blank for none */
} scaled;

/* Takes the lowest power of `step` of which there are less than `most` tenths. */
static scaled scale(uint64_t number, unsigned step, uint64_t most) {
  const char *letter = " KMGTPE";
  for (uint64_t power = 1;; power *= step, letter++) {
    uint64_t whole = number / power, rest = number % power;
    scaled s = {whole * 10 + (rest * 10 + power / 2) / power, whole + (rest >= power - power / 2), *letter};
    if ((whole < most && s.tenths < most) || !letter[1])
      return s;
  }
}

/* Writes tenths, with their decimal. */
static size_t format_tenths(char *out, uint64_t tenths) {
  size_t length = writer_format_int(out, (int64_t)(tenths / 10));
  out[length++] = '.';
  out[length++] = (char)('0' + tenths % 10);
  return length;
}

size_t writer_format_size(char *out, int64_t size) {
  scaled s = scale((uint64_t)size, 1024, 10240);
  size_t length = s.letter == ' ' ? writer_format_int(out, size) : format_tenths(out, s.tenths);
  out[length++] = ' ';
  if (s.letter != ' ') {
    out[length++] = s.letter;
    out[length++] = 'i';
  }
  out[length++] = 'B';
  out[length] = 0;
  return length;
}

size_t writer_format_short(char *out, int64_t number, unsigned step) {
  scaled s = scale((uint64_t)number, step, 9995);
  if (s.letter == ' ')
    return writer_format_int(out, number);
  size_t length = s.tenths < 100 ? format_tenths(out, s.tenths) : writer_format_int(out, (int64_t)s.whole);
  out[length++] = (char)(s.letter == 'K' && step == 1000 ? 'k' : s.letter);
  out[length] = 0;
  return length;
}

const char *writer_size_text(char out[24], int64_t size) {
  if (size == ARROWPOOL_UNKNOWN)
    return "?";
  writer_format_size(out, size);
  return out;
}

void writer_int(writer *w, int64_t number) {
  char text[24];
  writer_bytes(w, text, writer_format_int(text, number));
}

static void writer_address(writer *w, const void *address) {
  char digits[2 + 2 * sizeof address] = "0x";
  size_t length = 2;
  for (int shift = 8 * sizeof address - 4; shift >= 0; shift -= 4)
    if (length > 2 || shift == 0 || (uintptr_t)address >> shift)
      digits[length++] = "0123456789abcdef"[(uintptr_t)address >> shift & 15];
  writer_bytes(w, digits, length);
}

void writer_print(writer *w, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (const char *at; (at = strchr(format, '%')) != NULL; format = at + 1) {
    writer_bytes(w, format, (size_t)(at - format));
    if (*++at == 's')
      writer_text(w, va_arg(arguments, const char *));
    else if (*at == 'p')
      writer_address(w, va_arg(arguments, const void *));
    else if (*at++ == 'l')
      writer_int(w, va_arg(arguments, int64_t));
  }
  va_end(arguments);
  writer_text(w, format);
}

void writer_milliseconds(writer *w, int64_t milliseconds) {
  char decimals[4] = {'.', (char)('0' + milliseconds / 100 % 10), (char)('0' + milliseconds / 10 % 10),
                      (char)('0' + milliseconds % 10)};
  writer_int(w, milliseconds / 1000);
  writer_bytes(w, decimals, sizeof decimals);
}

size_t writer_character_length(const char *at) {
  const unsigned char *text = (const unsigned char *)at;
  unsigned char c = text[0];
  size_t length = c < 0x80                 ? 1
                  : c >= 0xc2 && c <= 0xdf ? 2
                  : c >= 0xe0 && c <= 0xef ? 3
                  : c >= 0xf0 && c <= 0xf4 ? 4
                                           : 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  bool overlong = (c == 0xe0 && text[1] < 0xa0) || (c == 0xf0 && text[1] < 0x90);
  bool beyond = (c == 0xed && text[1] > 0x9f) || (c == 0xf4 && text[1] > 0x8f);
  return overlong || beyond ? 0 : length;
}

/* These two write a control character as their format wants it. */
static void json_control(writer *w, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
  writer_bytes(w, escape, sizeof escape);
}

static void label_control(writer *w, unsigned char c) {
  writer_bytes(w, c == '\n' ? "\\n" : (char *)&c, c == '\n' ? 2 : 1);
}

static void quoted(writer *w, const char *text, void (*control)(writer *w, unsigned char c)) {
  writer_text(w, "\"");
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    size_t length = writer_character_length(text);
    if (length != 1) {
      writer_bytes(w, length ? text : "\xef\xbf\xbd", length ? length : 3); /* U+FFFD for what is no UTF-8 */
      text += length ? length - 1 : 0;
    } else if (c == '"' || c == '\\') {
      writer_bytes(w, "\\", 1);
      writer_bytes(w, text, 1);
    } else if (c < ' ' || c == 0x7f) {
      control(w, c);
    } else {
      writer_bytes(w, text, 1);
    }
  }
  writer_text(w, "\"");
}

void writer_json_string(writer *w, const char *text) { quoted(w, text, json_control); }

void writer_label(writer *w, const char *text) { quoted(w, text, label_control); }
