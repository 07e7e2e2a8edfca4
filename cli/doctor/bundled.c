/* Says which libraries bring allocators or an Arrow of their own: those that are loaded, and those that a
 * Python could import. Which of these a program imports is not known, so that they are told once, in one
 * line. */
#include "cli/program/bundled.h"
#include "cli/base/memory.h"
#include "cli/doctor/doctor.h"
#include "cli/program/preload.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TOPIC      "allocator"
#define MOST_BYTES ((uint64_t)4 << 30) /* of files' constants, over all of them */
#define MOST_FILES 500000              /* in site directories, of any kind */
enum { PACKAGE_BYTES = 64, MOST_SITES = 64 };

/* ---- what was found ---- */

/* Keeps what is bundled in one file. */
typedef struct found {
  char *path, package[PACKAGE_BYTES];
  bundled has;
  bool served;
} found;

static struct {
  found *all;
  size_t count, room;
  uint64_t budget;
} list;

static void start_list(void) {
  list.count = 0;
  list.budget = MOST_BYTES;
}

static void end_list(void) {
  for (size_t i = 0; i < list.count; i++)
    free(list.all[i].path);
  free(list.all);
  memset(&list, 0, sizeof list);
}

/* Reads the package from a path, as "polars" of .../site-packages/_polars.abi3.so; else it is the file's
 * name. */
static void read_package(const char *path, char out[PACKAGE_BYTES]) {
  static const char *const sites[] = {"/site-packages/", "/dist-packages/"};
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
    const char *site = strstr(path, sites[i]);
    if (!site)
      continue;
    name = site + strlen(sites[i]);
    name += strspn(name, "_");
    snprintf(out, PACKAGE_BYTES, "%.*s", (int)strcspn(name, "/."), name);
    return;
  }
  snprintf(out, PACKAGE_BYTES, "%s", name);
}

/* Returns whether a file need not be looked at: the jemalloc of the shim and of libarrowpool is what this is
 * about, and Python's mimalloc (3.13 and newer) has its objects at most. */
static bool is_exempt(const char *path) {
  const char *name = basename(path);
  return strncmp(name, "libarrowpool", 12) == 0 || strncmp(name, "libpython", 9) == 0;
}

static void look_at(const target *p, const char *path) {
  char full[PATH_MAX + 64];
  bundled has;
  elf_file f;
  if (is_exempt(path))
    return;
  snprintf(full, sizeof full, "%s%s", p->root, path);
  if (elf_file_open(full, &f) != NULL)
    return;
  if (bundled_look(&f, &list.budget, &has)) {
    list.all = memory_one_more(list.all, list.count, &list.room, sizeof *list.all);
    found *one = &list.all[list.count++];
    *one = (found){.path = memory_copy(path), .has = has};
    one->served = has.is_arrow && doctor_arrow_is_served(p, &f);
    read_package(path, one->package);
  }
  elf_file_close(&f);
}

/* Says in brackets what it is, as "jemalloc: _RJEM_MALLOC_CONF". */
static void describe(const found *one, char *out, size_t size) {
  const bundled *has = &one->has;
  const char *allocator = has->mimalloc ? "mimalloc: " : has->jemalloc ? "jemalloc: " : "";
  snprintf(out, size, "%s%s%s%s", allocator, has->variable, *allocator && has->static_arrow ? ", " : "",
           has->is_arrow       ? "a libarrow that cannot be patched"
           : has->static_arrow ? "libarrow linked in"
                               : "");
}

static void note_libraries(target *p, bool loaded) {
  for (size_t i = 0; i < list.count; i++) {
    const found *one = &list.all[i];
    findings_add_library(&p->found, &(findings_library){.path = one->path,
                                                        .package = one->package,
                                                        .variable = one->has.variable,
                                                        .jemalloc = one->has.jemalloc,
                                                        .mimalloc = one->has.mimalloc,
                                                        .arrow = one->has.is_arrow || one->has.static_arrow,
                                                        .served = one->served,
                                                        .loaded = loaded});
  }
  if (!list.budget)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "not every library was looked through for allocators of its own: they are too large");
}

/* ---- what is loaded ---- */

void doctor_bundled_start(void) { start_list(); }

bool doctor_bundled_loaded(const target *p, const char *path) {
  size_t before = list.count;
  look_at(p, path);
  return list.count > before && list.all[before].has.is_arrow;
}

static void tell_loaded(target *p, const found *one, bool has_arrow) {
  const bundled *has = &one->has;
  bool allocates = has->jemalloc || has->mimalloc;
  findings_add(&p->found, has_arrow ? FINDING_WARNING : FINDING_PROBLEM, TOPIC, NULL,
               "%s is not served: %s%s%s%s%s: %s", one->package,
               has->static_arrow ? "libarrow is linked into it" : "",
               has->static_arrow && allocates ? ", and " : "", allocates ? "it has a " : "",
               has->mimalloc   ? "mimalloc of its own, set by "
               : has->jemalloc ? "jemalloc of its own, set by "
                               : "",
               has->variable, one->path);
}

void doctor_bundled_tell(target *p, bool has_arrow) {
  note_libraries(p, true);
  for (size_t i = 0; i < list.count; i++)
    if (!list.all[i].has.is_arrow) /* doctor_arrow tells of it */
      tell_loaded(p, &list.all[i], has_arrow);
  end_list();
}

/* ---- what is installed ---- */

static int compare_found(const void *left, const void *right) {
  const found *a = left, *b = right;
  int order = strcmp(a->package, b->package);
  return order ? order : strcmp(a->path, b->path);
}

/* Keeps which files were looked at: many have several names. */
typedef struct seen {
  dev_t device;
  ino_t file;
} seen;

static bool is_new(seen **all, size_t *count, size_t *room, const struct stat *status) {
  for (size_t i = *count; i-- > 0;)
    if ((*all)[i].file == status->st_ino && (*all)[i].device == status->st_dev)
      return false;
  *all = memory_one_more(*all, *count, room, sizeof **all);
  (*all)[(*count)++] = (seen){status->st_dev, status->st_ino};
  return true;
}

/* Walks the site directories; the package pyarrow is told of elsewhere. */
static void walk(const target *p, char *const sites[]) {
  seen *all = NULL;
  size_t count = 0, room = 0, files = 0;
  struct stat status;
  FTS *tree = fts_open(sites, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
  for (FTSENT *at; tree && files < MOST_FILES && list.budget && (at = fts_read(tree)) != NULL; files++) {
    bool is_skipped = strcmp(at->fts_name, "__pycache__") == 0 ||
                      (at->fts_level == 1 && strcmp(at->fts_name, "pyarrow") == 0);
    if (at->fts_info == FTS_D && is_skipped)
      fts_set(tree, at, FTS_SKIP);
    else if ((at->fts_info == FTS_F || at->fts_info == FTS_SL) && strstr(at->fts_name, ".so") &&
             stat(at->fts_path, &status) == 0 && S_ISREG(status.st_mode) &&
             is_new(&all, &count, &room, &status))
      look_at(p, at->fts_path);
  }
  if (tree)
    fts_close(tree);
  free(all);
}

static void tell_served(target *p) {
  for (size_t i = 0; i < list.count; i++)
    if (list.all[i].served)
      findings_add(&p->found, FINDING_OK, "arrow", NULL,
                   "the libarrow of %s is served as well, should it be imported: %s", list.all[i].package,
                   list.all[i].path);
}

static void tell_not_served(target *p) {
  char *text = NULL, what[160];
  size_t size = 0, told = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    memory_lacking();
  for (size_t i = 0; i < list.count; i++) {
    const found *one = &list.all[i];
    if (one->served)
      continue;
    describe(one, what, sizeof what);
    fprintf(out, "%s%s (%s)", told++ ? ", " : "", one->package, what);
  }
  if (fclose(out))
    memory_lacking();
  if (told)
    findings_add(&p->found, FINDING_WARNING, TOPIC,
                 "where a variable is named, it sets the allocator that the package brings along",
                 "not served, if it is imported: %s", text);
  free(text);
}

void doctor_bundled_installed(target *p, char *sites) {
  char *all[MOST_SITES + 1] = {0}, *rest;
  size_t count = 0;
  for (char *site = strtok_r(sites, "\n", &rest); site && count < MOST_SITES;
       site = strtok_r(NULL, "\n", &rest))
    all[count++] = site;
  start_list();
  if (count)
    walk(p, all);
  if (list.count)
    qsort(list.all, list.count, sizeof *list.all, compare_found);
  note_libraries(p, false);
  tell_served(p);
  tell_not_served(p);
  end_list();
}
