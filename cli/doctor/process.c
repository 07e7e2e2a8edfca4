/* Says what the doctor knows of a running process: what is mapped into it, and how it was started. */
#include "cli/doctor/doctor.h"

#include "base/proc.h"
#include "cli/base/memory.h"
#include "cli/program/environment.h"
#include "cli/program/preload.h"
#include "cli/stats/live_files.h"

#include "arrowpool.h"
#include "base/live_name.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC      "process"
#define MOST_FILES 4096

/* ---- /proc ---- */

static char *proc_path(long pid, const char *file, char out[64]) {
  snprintf(out, 64, "/proc/%ld/%s", pid, file);
  return out;
}

static void free_list(char **list) {
  for (char **at = list; at && *at; at++)
    free(*at);
  free(list);
}

/* Returns what is separated by `separator`, as a list that ends in NULL; NULL if it is not ours to see. */
static char **read_list(long pid, const char *file, int separator) {
  char path[64], *item = NULL;
  size_t room = 0, count = 0, most = 0;
  ssize_t length;
  FILE *stream = fopen(proc_path(pid, file, path), "re");
  if (!stream)
    return NULL;
  char **list = memory_one_more(NULL, 0, &most, sizeof *list);
  while ((length = getdelim(&item, &room, separator, stream)) > 0) {
    if (item[length - 1] == separator)
      item[length - 1] = 0;
    list[count++] = memory_copy(item);
    list = memory_one_more(list, count, &most, sizeof *list);
  }
  list[count] = NULL;
  fclose(stream);
  free(item);
  return list;
}

static bool preloads_shim(char **environment) {
  char entry[PATH_MAX];
  bool found = false;
  for (const char *at = environment_get(environment, "LD_PRELOAD"); at && preload_next(&at, entry);)
    found |= preload_is_shim(entry);
  return found;
}

static long parent_of(long pid) {
  char path[64];
  proc_stat stat;
  return proc_read_stat(proc_path(pid, "stat", path), &stat) ? (long)stat.parent : 0;
}

static bool maps_shim(char **mappings) {
  bool found = false;
  for (char **at = mappings; at && *at; at++)
    found |= preload_is_shim(*at);
  return found;
}

/* Returns whether the environment was overwritten. A process starts with names and their values; what it
 * writes there instead, often its title, is neither. Where the shim came in, something said so. */
static bool was_overwritten(const target *p, char **mappings) {
  char path[128], list[4096];
  bool says = false;
  for (char **at = p->environment; at && *at; at++) {
    const char *equals = strchr(*at, '=');
    if (!equals || equals == *at)
      return true;
    says |= strncmp(*at, "LD_PRELOAD=", 11) == 0 || strncmp(*at, OPTIONS_PREFIX, strlen(OPTIONS_PREFIX)) == 0;
  }
  snprintf(path, sizeof path, "%s/etc/ld.so.preload", p->root);
  proc_read(path, list, sizeof list);
  return !says && maps_shim(mappings) && !strstr(list, PRELOAD_SHIM);
}

/* Returns whether the kernel told its loader to trust nothing. */
static bool started_secure(long pid) {
  char path[64];
  uint64_t pair[2];
  bool secure = false;
  FILE *auxiliary = fopen(proc_path(pid, "auxv", path), "re");
  while (auxiliary && fread(pair, sizeof pair, 1, auxiliary) == 1)
    secure |= pair[0] == AT_SECURE && pair[1];
  if (auxiliary)
    fclose(auxiliary);
  return secure;
}

/* ---- what is mapped ---- */

static const char *file_of(const char *mapping) {
  const char *path = strchr(mapping, '/');
  return path ? path : strchr(mapping, 0);
}

static bool is_repeated(char **mappings, size_t at) {
  for (size_t i = 0; i < at; i++)
    if (strcmp(file_of(mappings[i]), file_of(mappings[at])) == 0)
      return true;
  return false;
}

static void tell_shim(target *p, const char *path) {
  char full[PATH_MAX + 64], version[32] = "";
  elf_file f;
  snprintf(full, sizeof full, "%s%s", p->root, path);
  if (elf_file_open(full, &f) != NULL) {
    findings_add(&p->found, FINDING_WARNING, TOPIC, "start it again to use the new one",
                 "the shim is mapped, of an unknown version: its file was replaced or removed: %s", path);
    return;
  }
  elf_file_note(&f, "arrowpool", version, sizeof version);
  elf_file_close(&f);
  findings_add(&p->found, FINDING_OK, TOPIC, NULL, "the shim %s is mapped: %s", version, path);
  if (strcmp(version, ARROWPOOL_VERSION) != 0)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL, "this program is of another version, %s",
                 ARROWPOOL_VERSION);
}

static void tell_missing_shim(target *p, const program *exe) {
  char reason[300], path[64];
  program_verdict verdict = exe->elf.elf ? program_judge(exe, reason) : PROGRAM_PRELOADS;
  long parent = parent_of(p->pid);
  char **inherited = parent ? read_list(parent, "environ", 0) : NULL;
  if (started_secure(p->pid))
    snprintf(reason, sizeof reason,
             "it was started with more rights than its user has, and the loader ignored LD_PRELOAD");
  else if (verdict != PROGRAM_PRELOADS && verdict != PROGRAM_SECURE)
    ;
  else if (p->knows_environment && preloads_shim(p->environment))
    snprintf(reason, sizeof reason, "LD_PRELOAD names it, but the loader did not load it");
  else if (p->knows_environment && preloads_shim(inherited))
    snprintf(
        reason, sizeof reason,
        "LD_PRELOAD got lost on the way from its parent, process %ld, which has it (env -i, sudo, a service "
        "manager)",
        parent);
  else if (p->knows_environment)
    snprintf(reason, sizeof reason, "LD_PRELOAD did not name it when the process started");
  else
    snprintf(reason, sizeof reason, "why cannot be seen: %s %s", proc_path(p->pid, "environ", path),
             p->overwritten ? "was overwritten" : "cannot be read");
  findings_add(&p->found, FINDING_PROBLEM, TOPIC, "start it by arrowpool run", "the shim is not mapped: %s",
               reason);
  free_list(inherited);
}

/* Returns whether a mapping may be of code with an allocator of its own; that of Python itself is for its
 * objects. */
static bool may_bundle(const program *exe, const char *mapping) {
  const char *path = file_of(mapping), *name = basename(path);
  return strstr(name, ".so") || (exe->elf.elf && !python_is(exe) && strcmp(path, exe->real) == 0);
}

static void tell_mappings(target *p, char **mappings, const program *exe) {
  if (exe->elf.elf)
    doctor_malloc_program(&exe->elf);
  const char *shim = NULL, *live = NULL;
  bool has_arrow = false;
  for (size_t i = 0; i < MOST_FILES && mappings[i]; i++) {
    const char *name = basename(file_of(mappings[i]));
    if (preload_is_shim(name))
      shim = shim ? shim : file_of(mappings[i]);
    if (live_name_is(name, NULL))
      live = file_of(mappings[i]);
  }
  if (shim)
    tell_shim(p, shim);
  else if (!p->installed)
    tell_missing_shim(p, exe);
  doctor_bundled_start();
  for (size_t i = 0; i < MOST_FILES && mappings[i]; i++) {
    const char *path = file_of(mappings[i]), *name = basename(path);
    if (is_repeated(mappings, i))
      continue;
    if ((may_bundle(exe, mappings[i]) && doctor_bundled_loaded(p, path)) || doctor_arrow_is_named(name)) {
      has_arrow = true;
      doctor_arrow(p, path);
    } else {
      bool is_allocator = doctor_notable_library(p, name, path);
      if (strstr(name, ".so") && !preload_is_shim(name))
        doctor_malloc_library(p, path, is_allocator);
    }
  }
  if (shim)
    doctor_malloc_tell(p);
  doctor_bundled_tell(p, has_arrow);
  if (!has_arrow)
    findings_add(&p->found, FINDING_NOTE, "arrow", NULL, "no libarrow is mapped, or not yet");
  if (live)
    findings_add(&p->found, FINDING_OK, TOPIC, NULL, "it keeps a live file: %s", live);
  else if (shim && p->settings.values[OPTION_LIVE].text)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "it keeps no live file: no pool was used, or %s has no room",
                 p->settings.values[OPTION_LIVE].text);
  else if (shim)
    findings_add(&p->found, FINDING_NOTE, TOPIC, "ARROW_POOL_LIVE=DIRECTORY keeps one",
                 "it keeps no live file");
  if (shim || p->installed)
    doctor_profile_process(p, has_arrow);
}

/* ---- all of it ---- */

static void tell_identity(target *p, program *exe) {
  char path[64], real[PATH_MAX];
  struct stat status;
  const char *problem = program_open_file(proc_path(p->pid, "exe", path), exe);
  ssize_t length = readlink(path, real, sizeof real - 1);
  real[length > 0 ? length : 0] = 0;
  bool foreign = stat(proc_path(p->pid, ".", path), &status) == 0 && status.st_uid != getuid();
  if (foreign)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL, "it is of another user, %u", status.st_uid);
  if (problem)
    findings_add(&p->found, FINDING_WARNING, TOPIC, NULL, "its program %s cannot be read: %s", real,
                 length < 0 && errno == ENOENT ? "it is the kernel's own, or has ended" : problem);
  else
    findings_add(&p->found, FINDING_OK, TOPIC, NULL, "process %ld runs %s: %s", p->pid, real,
                 exe->elf.machine);
}

void doctor_process(target *p) {
  static program exe; /* it is static because it is large */
  char path[64];
  snprintf(p->root, sizeof p->root, "/proc/%ld/root", p->pid);
  ssize_t length = readlink(proc_path(p->pid, "cwd", path), p->directory, sizeof p->directory - 1);
  p->directory[length > 0 ? length : 0] = 0;
  p->environment = read_list(p->pid, "environ", 0);
  char **mappings = read_list(p->pid, "maps", '\n');
  p->overwritten = p->environment && was_overwritten(p, mappings);
  if (p->overwritten) { /* what is left of it may be a part */
    free_list(p->environment);
    p->environment = NULL;
  }
  p->knows_environment = p->environment != NULL;
  tell_identity(p, &exe);
  p->installed = doctor_installed(p, mappings);
  doctor_settings(p);
  if (p->installed)
    p->settings.values[OPTION_HOOKS].number = OPTIONS_HOOK_ARROW_VTABLE; /* the rest cannot be seen */
  else if (p->knows_environment)
    doctor_environment(p);
  else if (p->overwritten)
    findings_add(&p->found, FINDING_WARNING, "environment", "see how it is started",
                 "its environment was overwritten, as by a program that sets its title: the shim obeys what "
                 "it read at the start, here settings are taken to be the defaults");
  else
    findings_add(&p->found, FINDING_WARNING, "environment", "ask as that user, or as root",
                 "its environment is not ours to see: settings are taken to be the defaults");
  if (mappings)
    tell_mappings(p, mappings, &exe);
  else
    findings_add(&p->found, FINDING_PROBLEM, TOPIC, "ask as that user, or as root",
                 "what is mapped into it is not ours to see: whether it is served cannot be told");
  doctor_kernel(p);
  if (exe.elf.elf)
    program_close(&exe);
  free_list(mappings);
  free_list(p->environment);
  p->environment = NULL;
}
