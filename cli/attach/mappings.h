/* What is mapped into another process, as /proc/PID/maps says. */
#ifndef ARROWPOOL_CLI_ATTACH_MAPPINGS_H
#define ARROWPOOL_CLI_ATTACH_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mapping {
  uint64_t begin, end, offset;
  bool reads, writes, runs, is_private;
  char *path; /* "[stack]" and the like; empty: it has none */
} mapping;

typedef struct mappings {
  mapping *all; /* in the order of their addresses */
  size_t count;
} mappings;

/* Returns false if they are not ours to see. Whatever comes out holds memory. */
bool mappings_read(long pid, mappings *out);
void mappings_free(mappings *m);

/* Returns the mapping of an address; NULL: there is none. */
const mapping *mappings_at(const mappings *m, uint64_t address);

#endif
