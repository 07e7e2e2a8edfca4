/* Says what the doctor knows of a command: its program, whether the loader preloads into it, its Arrow. */
#include "cli/doctor/doctor.h"
#include "cli/program/preload.h"
#include "cli/program/python.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TOPIC "program"

static const char *advice_on(program_verdict verdict) {
  switch (verdict) {
  case PROGRAM_STATIC:
    return "link it dynamically, at least to the C library";
  case PROGRAM_SECURE:
    return "run a copy without these rights, as a user who has them anyway";
  case PROGRAM_FOREIGN:
    return "run one built for this processor";
  case PROGRAM_OTHER_LIBC:
    return "run one built for glibc, and keep the shim out of LD_PRELOAD for this one: its loader may refuse "
           "to run";
  case PROGRAM_PRELOADS:
    break;
  }
  return NULL;
}

static void tell_identity(target *p, const program *of) {
  struct stat status;
  bool linked = lstat(of->path, &status) == 0 && S_ISLNK(status.st_mode);
  findings_add(&p->found, FINDING_OK, TOPIC, NULL, "%s%s%s%s%s: %s, %s", *of->via ? "through " : "", of->via,
               of->path, linked ? " -> " : "", linked ? of->real : "", of->elf.machine,
               *of->elf.interpreter ? of->elf.interpreter : "no loader");
  if (of->drops_environment)
    findings_add(&p->found, FINDING_PROBLEM, "preload", "let env keep LD_PRELOAD and ARROW_POOL_*",
                 "env empties the environment on the way, and LD_PRELOAD is lost");
}

/* ---- libraries ---- */

/* Returns what of glibc the shim's file needs, the N of 2.N; 0 if that is not known. */
static int glibc_of_shim(void) {
  char path[PATH_MAX];
  elf_file f;
  if (!preload_find_shim(path) || elf_file_open(path, &f) != NULL)
    return 0;
  int minor = elf_file_needed_glibc(&f);
  elf_file_close(&f);
  return minor;
}

static void tell_glibc(target *p, const libraries *l) {
  const library *libc = libraries_named(l, "libc.so.6");
  elf_file f;
  if (!libc || !libc->path || elf_file_open(libc->path, &f) != NULL)
    return;
  int newest = elf_file_glibc(&f), release = elf_file_glibc_release(&f), needed = glibc_of_shim();
  elf_file_close(&f);
  if (newest && newest < needed)
    findings_add(&p->found, FINDING_PROBLEM, TOPIC,
                 "install the wheel, which is for glibc 2.28 and newer, or build arrowpool on that system",
                 "its glibc is 2.%d: the shim needs 2.%d: %s", release, needed, libc->path);
}

static void tell_missing(target *p, const libraries *l) {
  for (size_t i = 0; i < l->count; i++)
    if (!l->all[i].path)
      findings_add(&p->found, FINDING_WARNING, TOPIC,
                   "set LD_LIBRARY_PATH, if it is not set when the program starts",
                   "the library %s is not found here", l->all[i].name);
}

static void tell_loading(target *p, const elf_file *f) {
  bool counts = p->settings.values[OPTION_POOL].given &&
                p->settings.values[OPTION_POOL].number == OPTIONS_POOL_SYSTEM &&
                p->settings.values[OPTION_DEBUG].number == ARROWPOOL_DEBUG_OFF;
  elf_symbol calls[] = {{.name = "dlmopen"}, {.name = "dlopen"}};
  elf_file_find(f, false, calls, 2);
  if (calls[0].undefined)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "it calls dlmopen: what it loads into a namespace of its own is out of the shim's reach");
  if (calls[1].undefined && !counts)
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "it calls dlopen: what it loads with RTLD_DEEPBIND is loaded without that flag");
}

/* Returns whether a file has Arrow's code in itself. */
static bool contains_arrow(const elf_file *f) {
  elf_symbol pool = {.name = "_ZN5arrow19default_memory_poolEv"};
  elf_file_find(f, true, &pool, 1);
  return pool.defined;
}

/* ---- all of it ---- */

static bool is_shell(const program *of) {
  static const char *const shells[] = {"sh", "bash", "dash", "zsh", "busybox"};
  const char *name = basename(of->real);
  bool found = false;
  for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
    found |= strcmp(name, shells[i]) == 0;
  return found;
}

static void tell_libraries(target *p, const program *of, const libraries *l) {
  tell_glibc(p, l);
  tell_missing(p, l);
  doctor_malloc_program(&of->elf);
  for (size_t i = 0; i < l->count; i++) {
    const library *one = &l->all[i];
    bool is_allocator = doctor_notable_library(p, one->name, one->path ? one->path : one->name);
    if (one->path)
      doctor_malloc_library(p, one->path, is_allocator);
  }
  doctor_malloc_tell(p);
}

/* Looks at what a program and its libraries have in themselves. Python's own is for its objects. */
static void tell_bundled(target *p, const program *of, const libraries *l, bool has_arrow) {
  doctor_bundled_start();
  if (!contains_arrow(&of->elf))
    doctor_bundled_loaded(p, of->real);
  for (size_t i = 0; i < l->count; i++)
    if (l->all[i].path)
      doctor_bundled_loaded(p, l->all[i].path);
  doctor_bundled_tell(p, has_arrow);
}

static void tell_contents(target *p, const program *of) {
  libraries l = {0};
  /* A loader that is the program itself has none. */
  bool known = !*of->elf.interpreter || doctor_ask_libraries(p, of->elf.interpreter, of->real, &l);
  tell_libraries(p, of, &l);
  tell_loading(p, &of->elf);
  bool has_arrow = doctor_arrows(p, &l);
  if (!python_is(of))
    tell_bundled(p, of, &l, has_arrow);
  if (python_is(of))
    doctor_python(p, of);
  else if (contains_arrow(&of->elf))
    doctor_static_arrow(p, of->path);
  else if (is_shell(of))
    findings_add(&p->found, FINDING_NOTE, "arrow", "ask about the command that the script starts",
                 "it is a shell: what it starts inherits the shim");
  else if (known && !has_arrow)
    findings_add(&p->found, FINDING_NOTE, "arrow", NULL,
                 "it is not linked to libarrow; what it loads later is served too, and so are libc's aligned "
                 "functions");
  libraries_free(&l);
}

void doctor_program(target *p, const program *of) {
  char reason[300];
  program_verdict verdict = program_judge(of, reason);
  tell_identity(p, of);
  if (verdict == PROGRAM_PRELOADS)
    tell_contents(p, of);
  else
    findings_add(&p->found, FINDING_PROBLEM, TOPIC, advice_on(verdict), "%s cannot be preloaded: %s",
                 of->path, reason);
}
