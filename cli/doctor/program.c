/* What the doctor says of a command: its program, whether the loader preloads into it, and its Arrow. */
#include "cli/doctor/doctor.h"
#include "cli/program/libraries.h"
#include "cli/program/python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TOPIC        "program"
#define OLDEST_GLIBC 34 /* 2.34 */

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

static void tell_glibc(target *p, const libraries *l) {
  const library *libc = libraries_named(l, "libc.so.6");
  elf_file f;
  if (!libc || !*libc->path || elf_file_open(libc->path, &f) != NULL)
    return;
  int minor = elf_file_glibc(&f);
  elf_file_close(&f);
  if (minor && minor < OLDEST_GLIBC)
    findings_add(&p->found, FINDING_PROBLEM, TOPIC, "run it where glibc is 2.34 or newer",
                 "its glibc is 2.%d: the shim needs 2.34: %s", minor, libc->path);
}

static void tell_missing(target *p, const libraries *l) {
  for (size_t i = 0; i < l->count; i++)
    if (!*l->all[i].path && strncmp(l->all[i].name, "linux-vdso", 10) != 0)
      findings_add(&p->found, FINDING_WARNING, TOPIC,
                   "set LD_LIBRARY_PATH, if it is not set when the program starts",
                   "the library %s is not found here", l->all[i].name);
}

static void tell_loading(target *p, const elf_file *f) {
  bool counts = p->settings.values[OPTION_POOL].given &&
                p->settings.values[OPTION_POOL].number == ARROWPOOL_BACKEND_SYSTEM &&
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

/* Every libarrow among them; false: there is none. */
static bool tell_arrows(target *p, const libraries *l) {
  bool any = false;
  for (size_t i = 0; i < l->count; i++)
    if (strncmp(l->all[i].name, "libarrow.so", 11) == 0) {
      any = true;
      if (*l->all[i].path)
        doctor_arrow(p, l->all[i].path);
      else
        findings_add(&p->found, FINDING_PROBLEM, "arrow", NULL,
                     "%s, which it is linked to, is not found here", l->all[i].name);
    }
  return any;
}

/* Whether a file has Arrow's code in itself. */
static bool contains_arrow(const elf_file *f) {
  elf_symbol pool = {.name = "_ZN5arrow19default_memory_poolEv"};
  elf_file_find(f, true, &pool, 1);
  return pool.defined;
}

static void tell_static_arrow(target *p, const char *path) {
  findings_add(&p->found, FINDING_PROBLEM, "arrow", "link it to libarrow.so",
               "libarrow is linked into %s: its pools stay its own", path);
}

/* ---- Python ---- */

static void tell_places(target *p, const python *py) {
  char list[2048] = "";
  for (size_t i = 0; i < py->place_count; i++) {
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", py->places[i]);
  }
  findings_add(&p->found, FINDING_NOTE, "arrow",
               "PYTHONPATH, if it is not set when the program starts, or pip install pyarrow",
               "no pyarrow in %s; libc's aligned functions are served",
               *list ? list : "any directory that could be found");
}

static const char *lookup(void *context, const char *variable) { return target_variable(context, variable); }

static void tell_python(target *p, const program *of, const char *search) {
  static python py; /* large */
  elf_file f;
  libraries l;
  python_look(of, lookup, p, p->directory, &py);
  findings_add(&p->found, FINDING_OK, TOPIC, NULL, "it is Python %s%s%s",
               *py.version ? py.version : "of an unknown version",
               *py.venv ? " of the virtual environment " : "", py.venv);
  if (!*py.package) {
    tell_places(p, &py);
    return;
  }
  findings_add(&p->found, FINDING_OK, "arrow", NULL, "pyarrow %s: %s",
               *py.package_version ? py.package_version : "of an unknown version", py.package);
  const char *problem =
      *py.extension ? elf_file_open(py.extension, &f) : "its module pyarrow.lib is not there";
  if (problem) {
    findings_add(&p->found, FINDING_PROBLEM, "arrow", "install pyarrow again", "%s: %s",
                 *py.extension ? py.extension : py.package, problem);
    return;
  }
  libraries_find(&f, py.extension, search, &l);
  if (!tell_arrows(p, &l))
    tell_static_arrow(p, py.extension);
  libraries_free(&l);
  elf_file_close(&f);
}

/* ---- all of it ---- */

static void tell_contents(target *p, const program *of) {
  const char *search = target_variable(p, "LD_LIBRARY_PATH"), *name = strrchr(of->real, '/');
  libraries l;
  libraries_find(&of->elf, of->real, search, &l);
  tell_glibc(p, &l);
  tell_missing(p, &l);
  doctor_malloc_program(&of->elf);
  for (size_t i = 0; i < l.count; i++)
    doctor_malloc_library(
        p, l.all[i].path,
        doctor_notable_library(p, l.all[i].name, *l.all[i].path ? l.all[i].path : l.all[i].name));
  doctor_malloc_tell(p);
  tell_loading(p, &of->elf);
  bool has_arrow = tell_arrows(p, &l), is_shell = false;
  static const char *const shells[] = {"/sh", "/bash", "/dash", "/zsh", "/busybox"};
  for (size_t i = 0; name && i < sizeof shells / sizeof *shells; i++)
    is_shell |= strcmp(name, shells[i]) == 0;
  if (python_is(of))
    tell_python(p, of, search);
  else if (contains_arrow(&of->elf))
    tell_static_arrow(p, of->path);
  else if (is_shell)
    findings_add(&p->found, FINDING_NOTE, "arrow", "ask about the command that the script starts",
                 "it is a shell: what it starts inherits the shim");
  else if (!has_arrow)
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
