/* Buffers of the jemalloc pool that are written in full, and checked whenever they change hands. */
#ifndef ARROWPOOL_UNIT_BUFFERS_H
#define ARROWPOOL_UNIT_BUFFERS_H

#include "unit.h"

#include "arrowpool.h"

#include <sys/resource.h>

typedef struct unit_buffer {
  uint8_t *data;
  int64_t size;
  uint64_t tag;
} unit_buffer;

static inline unit_buffer unit_make(int64_t size, uint64_t tag) {
  unit_buffer b = {NULL, size, tag};
  CHECK(arrowpool_allocate(arrowpool_jemalloc(), size, 64, &b.data) == ARROWPOOL_OK);
  unit_write(b.data, size, tag);
  return b;
}

/* False: refused, and the buffer is as it was. */
static inline bool unit_grow(unit_buffer *b, int64_t size) {
  arrowpool_status status = arrowpool_reallocate(arrowpool_jemalloc(), b->size, size, 64, &b->data);
  CHECK(status == ARROWPOOL_OK || status == ARROWPOOL_OUT_OF_MEMORY);
  CHECK(unit_matches(b->data, b->size, b->size, b->tag));
  if (status != ARROWPOOL_OK)
    return false;
  unit_write(b->data, size, b->tag);
  b->size = size;
  return true;
}

static inline void unit_drop(unit_buffer *b) {
  CHECK(unit_matches(b->data, b->size, b->size, b->tag));
  arrowpool_free(arrowpool_jemalloc(), b->data, b->size, 64);
}

static inline void unit_limit(int resource, int64_t bytes) {
  CHECK(setrlimit(resource, &(struct rlimit){(rlim_t)bytes, RLIM_INFINITY}) == 0);
}

#endif
