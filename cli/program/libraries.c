/* See libraries.h. The order of places is ld.so(8)'s: DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH,
 * /etc/ld.so.cache, the standard directories. */
#include "cli/program/libraries.h"

#include "cli/program/library_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LIBRARIES 512

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

static bool find(const elf_file *f, const char *asker, const char *search, const library_cache *c,
                 const char *name, char *out) {
  static const char standard[] = "/lib/" MULTIARCH ":/usr/lib/" MULTIARCH ":/lib64:/usr/lib64:/lib:/usr/lib";
  if (strchr(name, '/')) {
    snprintf(out, PATH_MAX, "%s", name);
    return is_loadable(out);
  }
  return (!f->runpath && find_in(f->rpath, name, asker, out)) || find_in(search, name, asker, out) ||
         find_in(f->runpath, name, asker, out) || (library_cache_find(c, name, out) && is_loadable(out)) ||
         find_in(standard, name, asker, out);
}

/* ---- all of them ---- */

static void add_needed(libraries *l, const elf_file *f, const char *path, const char *search,
                       const library_cache *c) {
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
  library_cache c;
  out->count = 0;
  out->all = calloc(MOST_LIBRARIES, sizeof *out->all);
  if (!out->all)
    return;
  library_cache_load("/etc/ld.so.cache", &c);
  add_needed(out, f, path, search, &c);
  for (size_t i = 0; i < out->count; i++) {
    elf_file next;
    if (!out->all[i].path[0] || elf_file_open(out->all[i].path, &next) != NULL)
      continue;
    add_needed(out, &next, out->all[i].path, search, &c);
    elf_file_close(&next);
  }
  library_cache_free(&c);
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
