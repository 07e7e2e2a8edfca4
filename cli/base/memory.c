/* Takes memory, or ends the command. */
#include "cli/base/memory.h"

#include "cli/base/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void memory_lacking(void) { exit(cli_failure("%s", strerror(ENOMEM))); }

static void *or_end(void *memory) {
  if (!memory)
    memory_lacking();
  return memory;
}

void *memory_grow(void *memory, size_t count, size_t size) {
  return or_end(reallocarray(memory, count, size));
}

void *memory_zeroed(size_t count, size_t size) { return or_end(calloc(count, size)); }

void *memory_one_more(void *array, size_t count, size_t *room, size_t size) {
  if (count < *room)
    return array;
  *room = *room ? *room * 2 : 16;
  return memory_grow(array, *room, size);
}

char *memory_copy(const char *text) { return or_end(strdup(text)); }
