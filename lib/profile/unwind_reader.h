/* Reads numbers as .eh_frame has them, and never past an end. What is missing reads as 0, and fails the
 * reader for good. */
#ifndef ARROWPOOL_PROFILE_UNWIND_READER_H
#define ARROWPOOL_PROFILE_UNWIND_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct unwind_reader {
  const uint8_t *at, *end;
  bool failed;
} unwind_reader;

static inline void unwind_skip(unwind_reader *r, uint64_t size) {
  if (size > (size_t)(r->end - r->at)) {
    r->failed = true;
    r->at = r->end;
  } else {
    r->at += size;
  }
}

/* Reads a number of `size` bytes (8 at most), the lowest first. */
static inline uint64_t unwind_read_fixed(unwind_reader *r, size_t size) {
  const uint8_t *from = r->at;
  uint64_t number = 0;
  unwind_skip(r, size);
  for (size_t i = 0; i < size && !r->failed; i++)
    number |= (uint64_t)from[i] << (8 * i);
  return number;
}

/* Reads a number of seven bits a byte (LEB128), the lowest first; bits above the 64th are left out. Returns
 * how many bits it had. */
static inline unsigned unwind_read_sevens(unwind_reader *r, uint64_t *number) {
  unsigned bits = 0;
  uint64_t byte = 0x80;
  *number = 0;
  for (; byte & 0x80 && !r->failed; bits += 7) {
    byte = unwind_read_fixed(r, 1);
    if (bits < 64)
      *number |= (byte & 0x7f) << bits;
  }
  return bits;
}

static inline uint64_t unwind_read_unsigned(unwind_reader *r) {
  uint64_t number;
  unwind_read_sevens(r, &number);
  return number;
}

static inline int64_t unwind_read_signed(unwind_reader *r) {
  uint64_t number;
  unsigned bits = unwind_read_sevens(r, &number);
  if (bits < 64 && bits && number >> (bits - 1))
    number |= UINT64_MAX << bits;
  return (int64_t)number;
}

#endif
