/* What the cases write and later look for: a byte per buffer, and at every 64 KiB the place it was written
 * for, so that pages which got lost, swapped or wiped are noticed. Sizes are multiples of 64 KiB. */
#include "cases.h"

#include <stdint.h>
#include <string.h>

#define STEP ((size_t)64 << 10)

static char filling(unsigned number) { return (char)(0x21 + number); }

static uint64_t stamp(size_t offset, unsigned number) { return ((uint64_t)number << 48) | (offset + 1); }

void pattern_write(char *buffer, size_t from, size_t to, unsigned number) {
  memset(buffer + from, filling(number), to - from);
  for (size_t offset = from; offset < to; offset += STEP) {
    uint64_t mark = stamp(offset, number);
    memcpy(buffer + offset, &mark, sizeof mark);
  }
}

bool pattern_check(const char *buffer, size_t size, unsigned number) {
  for (size_t offset = 0; offset < size; offset += STEP) {
    uint64_t mark;
    memcpy(&mark, buffer + offset, sizeof mark);
    const char *rest = buffer + offset + sizeof mark;
    if (mark != stamp(offset, number) || *rest != filling(number) ||
        buffer[offset + STEP - 1] != filling(number))
      return false;
  }
  return true;
}
