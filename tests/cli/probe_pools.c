/* A program whose pools do what it is told: one command a line on stdin, "ok" on stdout when it is done.
 *   allocate NAME BYTES    a buffer in the pool of that name, whose pages are written
 *   resize NAME BYTES      its buffer
 *   free NAME              it
 * At the end of stdin it returns from main. A pool has one buffer at a time. */
#include "arrowpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct named_pool {
  char name[64];
  arrowpool_pool *pool;
  uint8_t *buffer;
  int64_t size;
} named_pool;

static named_pool pools[16];

static named_pool *find(const char *name) {
  named_pool *p = pools;
  while (p->pool && strcmp(p->name, name) != 0)
    p++;
  if (!p->pool && arrowpool_create(name, NULL, &p->pool) != ARROWPOOL_OK)
    abort();
  strcpy(p->name, name);
  return p;
}

int main(void) {
  char what[16], name[64], line[256];
  while (fgets(line, sizeof line, stdin)) {
    long long size = 0;
    if (sscanf(line, "%15s %63s %lld", what, name, &size) < 2)
      return 2;
    named_pool *p = find(name);
    arrowpool_status status = ARROWPOOL_OK;
    if (strcmp(what, "free") == 0)
      arrowpool_free(p->pool, p->buffer, p->size, 64);
    else if (strcmp(what, "resize") == 0)
      status = arrowpool_reallocate(p->pool, p->size, size, 64, &p->buffer);
    else
      status = arrowpool_allocate(p->pool, size, 64, &p->buffer);
    if (status != ARROWPOOL_OK)
      return 3;
    if (size)
      memset(p->buffer, 1, (size_t)size);
    p->size = size;
    puts("ok");
    fflush(stdout);
  }
  return 0;
}
