/* Writes the wire format of Protocol Buffers. */
#include "cli/who/proto.h"

#include "cli/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, HAS_LENGTH = 2 }; /* the wire types */

static void append(proto *p, const void *bytes, size_t size) {
  if (size > p->room - p->size) {
    p->room = p->room * 2 + size + 64;
    p->bytes = memory_grow(p->bytes, p->room, 1);
  }
  if (size)
    memcpy(p->bytes + p->size, bytes, size);
  p->size += size;
}

void proto_varint(proto *p, uint64_t number) {
  unsigned char bytes[10];
  size_t size = 0;
  for (; number >= 0x80; number >>= 7)
    bytes[size++] = (unsigned char)(number | 0x80);
  bytes[size++] = (unsigned char)number;
  append(p, bytes, size);
}

static void tag(proto *p, unsigned field, unsigned type) { proto_varint(p, field << 3 | type); }

void proto_number(proto *p, unsigned field, uint64_t number) {
  if (!number)
    return;
  tag(p, field, VARINT);
  proto_varint(p, number);
}

void proto_bytes(proto *p, unsigned field, const void *bytes, size_t size) {
  tag(p, field, HAS_LENGTH);
  proto_varint(p, size);
  append(p, bytes, size);
}

void proto_message(proto *p, unsigned field, proto *message) {
  proto_bytes(p, field, message->bytes, message->size);
  message->size = 0;
}

void proto_free(proto *p) {
  free(p->bytes);
  *p = (proto){0};
}
