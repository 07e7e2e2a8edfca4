/* The wire format of Protocol Buffers: numbers as varints, and what has a length (texts, messages, packed
 * numbers). A message is made in memory, from the inside out, because its length stands before it. */
#ifndef ARROWPOOL_CLI_WHO_PROTO_H
#define ARROWPOOL_CLI_WHO_PROTO_H

#include <stddef.h>
#include <stdint.h>

/* A message that grows; it begins with all zero. */
typedef struct proto {
  unsigned char *bytes;
  size_t size, room; /* bytes */
} proto;

/* Adds a number by itself, as packed numbers are made of: negative ones are given as their two's
 * complement. */
void proto_varint(proto *p, uint64_t number);

/* Adds a field with a number; 0 is what a field has that is not there, and is left out. */
void proto_number(proto *p, unsigned field, uint64_t number);

/* Adds a field with bytes, also where there are none. */
void proto_bytes(proto *p, unsigned field, const void *bytes, size_t size);

/* Adds a field with a message, or with packed numbers, and empties that for the next. */
void proto_message(proto *p, unsigned field, proto *message);

void proto_free(proto *p);

#endif
