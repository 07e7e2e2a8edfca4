/* Says what the doctor knows of the environment: our variables, Arrow's, and LD_PRELOAD. */
#include "cli/program/environment.h"
#include "cli/base/variables.h"
#include "cli/doctor/doctor.h"
#include "cli/program/preload.h"
#include "cli/program/settings.h"

#include "arrowpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC "environment"

static const char *doctor_environment_lookup(void *context, const char *variable) {
  return environment_get(((const target *)context)->environment, variable);
}

static void doctor_environment_complain(void *context, const char *const pieces[], size_t count) {
  target *p = context;
  char line[1024] = "";
  for (size_t i = 0; i < count; i++)
    strncat(line, pieces[i], sizeof line - strlen(line) - 1);
  findings_add(&p->found, FINDING_WARNING, TOPIC, "see arrowpool env", "%s", line);
}

static void tell_unknown(void *context, const char *name, const char *nearest) {
  target *p = context;
  findings_add(&p->found, FINDING_WARNING, TOPIC, "see arrowpool env",
               "%s: unknown variable; the nearest is %s", name, nearest);
}

static const char *given(const target *p, const char *name) {
  const char *value = environment_get(p->environment, name);
  return value && *value ? value : NULL;
}

static void tell_pool(target *p) {
  const options_value *pool = &p->settings.values[OPTION_POOL];
  if (pool->number == OPTIONS_POOL_JEMALLOC)
    findings_add(&p->found, FINDING_OK, TOPIC, NULL,
                 "ARROW_POOL=jemalloc: buffers come from the private jemalloc");
  else if (given(p, OPTIONS_PREFIX) || p->pid)
    findings_add(&p->found, FINDING_NOTE, TOPIC, "ARROW_POOL=jemalloc has them served by ours",
                 "ARROW_POOL%s: buffers are counted, and come from the allocator behind the shim",
                 given(p, OPTIONS_PREFIX) ? " is system" : " is not set, which means system");
  else
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL, "ARROW_POOL is not set. " OPTIONS_POOL_SENTENCE(" "));
}

static void tell_directory(target *p, int option) {
  const char *directory = p->settings.values[option].text;
  struct stat status;
  char path[2 * PATH_MAX + 64];
  if (!directory || !p->settings.values[option].given)
    return;
  snprintf(path, sizeof path, "%s%s%s%s", p->root, *directory == '/' ? "" : p->directory,
           *directory == '/' ? "" : "/", directory);
  bool is_there = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
  if (!is_there && p->pid)
    findings_add(&p->found, FINDING_WARNING, TOPIC, "make it, or name another", "%s=%s: no such directory",
                 options_table[option].variable, directory);
  else if (is_there && (status.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH)
    findings_add(&p->found, FINDING_WARNING, TOPIC, "chmod +t, or name another",
                 "%s=%s: every user may remove and replace files there", options_table[option].variable,
                 directory);
}

static void tell_arrow(target *p) {
  static const char *const backends[] = {"system", "jemalloc", "mimalloc"};
  const char *debug = given(p, "ARROW_DEBUG_MEMORY_POOL"), *backend = given(p, "ARROW_DEFAULT_MEMORY_POOL");
  bool known = false;
  if (debug && strcmp(debug, "none") != 0)
    findings_add(
        &p->found, FINDING_WARNING, TOPIC, "unset it to have them served",
        "ARROW_DEBUG_MEMORY_POOL=%s: Arrow's debug pools stay its own, but for their mimalloc in libarrow "
        "25 and newer, which is served",
        debug);
  for (size_t i = 0; backend && i < sizeof backends / sizeof *backends; i++)
    known |= strcmp(backend, backends[i]) == 0;
  if (backend && known)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL, "ARROW_DEFAULT_MEMORY_POOL=%s: served like any other",
                 backend);
  else if (backend)
    findings_add(&p->found, FINDING_WARNING, TOPIC, "choose system, jemalloc or mimalloc",
                 "ARROW_DEFAULT_MEMORY_POOL=%s: Arrow knows no such pool and takes its own default", backend);
}

static void tell_others(target *p) {
  static const struct {
    const char *variable, *effect;
  } others[] = {
      {"MALLOC_CONF", "for jemallocs of the program's own; ours does not read it"},
      {"JE_ARROW_MALLOC_CONF", "for libarrow's own jemalloc, in whose place the shim's pools serve"},
      {"_RJEM_MALLOC_CONF", "for the jemallocs in Rust's libraries, as in polars; ours does not read it"},
      {"DUCKDB_JE_MALLOC_CONF", "for DuckDB's jemalloc, which the shim does not serve"},
      {"GLIBC_TUNABLES", "for glibc's malloc, which stands behind the shim; our buffers do not depend on it"},
      {"LD_AUDIT", "auditing libraries live in a namespace of their own, out of the shim's reach"},
  };
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (given(p, others[i].variable))
      findings_add(&p->found, FINDING_NOTE, TOPIC, NULL, "%s is set: %s", others[i].variable,
                   others[i].effect);
}

/* Tells of what run would refuse: a place where the command cannot write what it shall. */
static void tell_place(target *p, int option) {
  char text[SETTINGS_BYTES];
  const char *problem = settings_judge(&p->settings, option, text);
  if (problem)
    findings_add(&p->found, FINDING_WARNING, TOPIC, "make it, or name another", "%s=%s: %s",
                 options_table[option].variable, p->settings.values[option].text, problem);
}

void doctor_settings(target *p) {
  options_read(&p->settings, doctor_environment_lookup, doctor_environment_complain, p);
  variables_check(p->environment, tell_unknown, p);
}

void doctor_environment(target *p) {
  tell_pool(p);
  for (int option = 0; option < OPTION_COUNT && !p->pid; option++)
    tell_place(p, option);
  tell_directory(p, OPTION_LIVE);
  tell_directory(p, OPTION_PROFILE);
  doctor_profile_setting(p);
  tell_arrow(p);
  tell_others(p);
}

/* ---- LD_PRELOAD ---- */

typedef enum kind { ORDINARY, SHIM, SANITIZER, ALLOCATOR } kind;

static kind kind_of(const char *path) {
  static const char *const sanitizers[] = {"libasan.so", "libtsan.so", "liblsan.so", "libhwasan.so",
                                           "libclang_rt."};
  static const char *const allocators[] = {"libtcmalloc", "libjemalloc", "libmimalloc",  "libsnmalloc",
                                           "libhoard",    "librpmalloc", "libtbbmalloc", "libscalloc"};
  const char *name = basename(path);
  if (preload_is_shim(path))
    return SHIM;
  for (size_t i = 0; i < sizeof sanitizers / sizeof *sanitizers; i++)
    if (strncmp(name, sanitizers[i], strlen(sanitizers[i])) == 0)
      return SANITIZER;
  for (size_t i = 0; i < sizeof allocators / sizeof *allocators; i++)
    if (strncmp(name, allocators[i], strlen(allocators[i])) == 0)
      return ALLOCATOR;
  return ORDINARY;
}

bool doctor_notable_library(target *p, const char *name, const char *path) {
  kind k = kind_of(name);
  if (k == SANITIZER)
    findings_add(
        &p->found, FINDING_WARNING, "program",
        "put that library before the shim in LD_PRELOAD; the shim is idle behind a sanitizer",
        "it is linked to the sanitizer %s, which wants to be loaded first and refuses to run behind the "
        "shim",
        path);
  else if (k == ALLOCATOR)
    findings_add(&p->found, FINDING_NOTE, "program", NULL,
                 "it is linked to the allocator %s, which stands behind the shim", path);
  return k == ALLOCATOR;
}

/* Tells of a shim that is preloaded already and not of this version. */
static void tell_other_shim(target *p, const char *path) {
  char version[32] = "of an unknown version";
  elf_file f;
  if (!strchr(path, '/') || elf_file_open(path, &f))
    return;
  elf_file_note(&f, "arrowpool", version, sizeof version);
  elf_file_close(&f);
  if (strcmp(version, ARROWPOOL_VERSION) != 0)
    findings_add(
        &p->found, FINDING_WARNING, "preload", "take it out of LD_PRELOAD, or install the two together",
        "LD_PRELOAD has a shim that is %s (%s), this program is %s", version, path, ARROWPOOL_VERSION);
}

static void tell_entry(target *p, const char *entry, bool shim_seen, bool shim_in_list) {
  static const char own_order[] =
      "in LD_PRELOAD, name sanitizers first, then the shim, then other allocators";
  kind k = kind_of(entry);
  if (k == SHIM && (!strchr(entry, '/') || access(entry, R_OK) == 0)) {
    tell_other_shim(p, entry);
    return;
  }
  if (strchr(entry, '/') && access(entry, R_OK)) {
    findings_add(&p->found, FINDING_WARNING, "preload", "correct LD_PRELOAD",
                 "LD_PRELOAD names %s, which cannot be read", entry);
    return;
  }
  if (k == SANITIZER && (shim_seen || !shim_in_list))
    findings_add(&p->found, FINDING_WARNING, "preload", own_order,
                 "LD_PRELOAD has the sanitizer %s %s, which refuses to run behind another library", entry,
                 shim_seen ? "behind the shim" : "; arrowpool run puts the shim before it");
  else if (k == SANITIZER)
    findings_add(
        &p->found, FINDING_NOTE, "preload", NULL,
        "LD_PRELOAD has the sanitizer %s before the shim: it serves all memory, and the shim is idle", entry);
  else if (k == ALLOCATOR && shim_in_list && !shim_seen)
    findings_add(&p->found, FINDING_WARNING, "preload", own_order,
                 "LD_PRELOAD has the allocator %s before the shim, whose libc hook sees nothing then", entry);
  else
    findings_add(&p->found, FINDING_NOTE, "preload", NULL, "LD_PRELOAD has %s%s %s the shim",
                 k == ALLOCATOR ? "the allocator " : "", entry,
                 shim_in_list && !shim_seen ? "before" : "behind");
}

void doctor_preload_list(target *p) {
  const char *list = given(p, "LD_PRELOAD");
  char entry[PATH_MAX];
  bool seen = false, in_list = false;
  for (const char *at = list; list && preload_next(&at, entry);)
    in_list |= kind_of(entry) == SHIM;
  for (const char *at = list; list && preload_next(&at, entry);) {
    tell_entry(p, entry, seen, in_list);
    seen |= kind_of(entry) == SHIM;
  }
}

void doctor_shim(target *p) {
  char path[PATH_MAX], version[32] = "of an unknown version";
  elf_file f;
  if (!preload_find_shim(path)) {
    findings_add(&p->found, FINDING_PROBLEM, "preload", "install arrowpool again, or build it",
                 "the shim, " PRELOAD_SHIM ", is neither beside this program nor in %s", ARROWPOOL_LIBDIR);
    return;
  }
  const char *problem = elf_file_open(path, &f);
  if (problem) {
    findings_add(&p->found, FINDING_PROBLEM, "preload", "install arrowpool again, or build it",
                 "the shim, %s: %s", path, problem);
    return;
  }
  elf_file_note(&f, "arrowpool", version, sizeof version);
  elf_file_close(&f);
  if (strpbrk(path, ": "))
    findings_add(&p->found, FINDING_PROBLEM, "preload", "install it elsewhere",
                 "the shim is %s, and LD_PRELOAD cannot hold a path with a space or a colon", path);
  else if (strcmp(version, ARROWPOOL_VERSION) != 0)
    findings_add(&p->found, FINDING_WARNING, "preload", "install the two together",
                 "the shim is %s (%s), this program %s", version, path, ARROWPOOL_VERSION);
  else
    findings_add(&p->found, FINDING_OK, "preload", NULL, "the shim is %s: %s", version, path);
}
