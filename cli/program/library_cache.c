/* See library_cache.h. The file may be cut off or made up: all offsets are checked. */
#include "cli/program/library_cache.h"

#include "cli/base/open_regular.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CACHE_MOST ((size_t)64 << 20)

static const char cache_magic[] = "glibc-ld.so.cache1.1";

typedef struct cache_header {
  char magic[sizeof cache_magic - 1];
  uint32_t count, string_bytes, unused[5];
} cache_header;

typedef struct cache_entry {
  int32_t flags;
  uint32_t name, path; /* offsets from the header */
  uint32_t os_version;
  uint64_t capabilities;
} cache_entry;

/* The flags of an ELF library for glibc on this processor; of others the first of its name will do. */
#if defined(__x86_64__)
#define IS_OURS(flags) ((flags) == 0x0303)
#elif defined(__aarch64__)
#define IS_OURS(flags) ((flags) == 0x0a03)
#else
#define IS_OURS(flags) (((flags)&0xff) == 0x03)
#endif

void library_cache_load(const char *path, library_cache *c) {
  struct stat status;
  FILE *file = open_regular_stream(path);
  memset(c, 0, sizeof *c);
  if (file && !fstat(fileno(file), &status) && status.st_size > 0 && (size_t)status.st_size < CACHE_MOST &&
      (c->bytes = calloc(1, (size_t)status.st_size + 1)) != NULL)
    c->size = fread(c->bytes, 1, (size_t)status.st_size, file);
  if (file)
    fclose(file);
  char *magic = c->bytes ? memmem(c->bytes, c->size, cache_magic, sizeof cache_magic - 1) : NULL;
  c->start = magic ? (size_t)(magic - c->bytes) : c->size; /* an older table may come first */
}

bool library_cache_find(const library_cache *c, const char *name, char *out) {
  cache_header header;
  cache_entry entry;
  size_t left = c->size - c->start;
  if (left < sizeof header)
    return false;
  const char *base = c->bytes + c->start;
  memcpy(&header, base, sizeof header);
  for (size_t i = 0; i < header.count && sizeof header + (i + 1) * sizeof entry <= left; i++) {
    memcpy(&entry, base + sizeof header + i * sizeof entry, sizeof entry);
    if (IS_OURS(entry.flags) && !entry.capabilities && entry.name < left && entry.path < left &&
        strcmp(base + entry.name, name) == 0) {
      snprintf(out, PATH_MAX, "%s", base + entry.path);
      return true;
    }
  }
  return false;
}

void library_cache_free(library_cache *c) {
  free(c->bytes);
  c->bytes = NULL;
}
