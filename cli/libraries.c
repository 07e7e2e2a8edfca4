/* See libraries.h. The order of places is ld.so(8)'s: DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH,
 * /etc/ld.so.cache, the standard directories. */
#include "libraries.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_LIBRARIES 512
#define CACHE_MOST     ((size_t)64 << 20)

/* ---- /etc/ld.so.cache, in the format of glibc 2.2 and newer ---- */

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

#define CACHE_X86_64 0x0303 /* an ELF library of this processor */

typedef struct cache {
  char *bytes; /* a NUL behind the last one */
  size_t size, start;
} cache;

static void cache_load(cache *c) {
  struct stat status;
  FILE *file = fopen("/etc/ld.so.cache", "re");
  memset(c, 0, sizeof *c);
  if (file && !fstat(fileno(file), &status) && status.st_size > 0 && (size_t)status.st_size < CACHE_MOST &&
      (c->bytes = calloc(1, (size_t)status.st_size + 1)) != NULL)
    c->size = fread(c->bytes, 1, (size_t)status.st_size, file);
  if (file)
    fclose(file);
  char *magic = c->size ? memmem(c->bytes, c->size, cache_magic, sizeof cache_magic - 1) : NULL;
  c->start = magic ? (size_t)(magic - c->bytes) : c->size; /* an older table may come first */
}

static bool cache_find(const cache *c, const char *name, char *out) {
  cache_header header;
  cache_entry entry;
  size_t left = c->size - c->start;
  const char *base = c->bytes + c->start;
  if (left < sizeof header)
    return false;
  memcpy(&header, base, sizeof header);
  for (size_t i = 0; i < header.count && sizeof header + (i + 1) * sizeof entry <= left; i++) {
    memcpy(&entry, base + sizeof header + i * sizeof entry, sizeof entry);
    if (entry.flags == CACHE_X86_64 && !entry.capabilities && entry.name < left && entry.path < left &&
        strcmp(base + entry.name, name) == 0) {
      snprintf(out, PATH_MAX, "%s", base + entry.path);
      return true;
    }
  }
  return false;
}

/* ---- places ---- */

static bool is_loadable(const char *path) {
  elf_file f;
  if (elf_file_open(path, &f) != NULL)
    return false;
  bool fits = f.fits;
  elf_file_close(&f);
  return fits;
}

/* Look in the directories of a list; $ORIGIN is where `asker` lies. */
static bool find_in(const char *list, const char *name, const char *asker, char *out) {
  const char *slash = strrchr(asker, '/');
  int origin = slash ? (int)(slash - asker) : 0;
  for (const char *at = list; at && *at; at += *at != 0) {
    int length = (int)strcspn(at, ":;"), written;
    const char *token = at;
    int skip = strncmp(at, "$ORIGIN", 7) == 0 ? 7 : strncmp(at, "${ORIGIN}", 9) == 0 ? 9 : 0;
    token += skip;
    written = snprintf(out, PATH_MAX, "%.*s%.*s%s%s", skip ? origin : 0, asker, length - skip, token,
                       length ? "/" : "", name);
    if (written < PATH_MAX && is_loadable(out))
      return true;
    at += length;
  }
  return false;
}

static bool find(const elf_file *f, const char *asker, const char *search, const cache *c, const char *name,
                 char *out) {
  static const char standard[] =
      "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib";
  if (strchr(name, '/')) {
    snprintf(out, PATH_MAX, "%s", name);
    return is_loadable(out);
  }
  return (!f->runpath && find_in(f->rpath, name, asker, out)) || find_in(search, name, asker, out) ||
         find_in(f->runpath, name, asker, out) || (cache_find(c, name, out) && is_loadable(out)) ||
         find_in(standard, name, asker, out);
}

/* ---- all of them ---- */

static void add_needed(libraries *l, const elf_file *f, const char *path, const char *search,
                       const cache *c) {
  for (size_t i = 0; i < f->needed_count && l->count < MOST_LIBRARIES; i++) {
    bool known = false;
    for (size_t k = 0; k < l->count; k++)
      known |= strcmp(l->all[k].name, f->needed[i]) == 0;
    if (known || strlen(f->needed[i]) >= sizeof l->all->name)
      continue;
    library *next = &l->all[l->count++];
    strcpy(next->name, f->needed[i]);
    if (!find(f, path, search, c, next->name, next->path))
      next->path[0] = 0;
  }
}

void libraries_find(const elf_file *f, const char *path, const char *search, libraries *out) {
  cache c;
  out->count = 0;
  out->all = calloc(MOST_LIBRARIES, sizeof *out->all);
  if (!out->all)
    return;
  cache_load(&c);
  add_needed(out, f, path, search, &c);
  for (size_t i = 0; i < out->count; i++) {
    elf_file next;
    if (!out->all[i].path[0] || elf_file_open(out->all[i].path, &next) != NULL)
      continue;
    add_needed(out, &next, out->all[i].path, search, &c);
    elf_file_close(&next);
  }
  free(c.bytes);
}

void libraries_free(libraries *l) {
  free(l->all);
  l->all = NULL;
  l->count = 0;
}

const library *libraries_named(const libraries *l, const char *prefix) {
  for (size_t i = 0; i < l->count; i++)
    if (strncmp(l->all[i].name, prefix, strlen(prefix)) == 0)
      return &l->all[i];
  return NULL;
}
