/* Says what the doctor knows of profiles: whether one will be kept, or is, and what its stacks have. */
#include "cli/doctor/doctor.h"

#include "arrow/abi.h"
#include "arrow/tasks_names.h"
#include "cli/stats/live_files.h"
#include "cli/who/profile_file.h"
#include "profile/profile.h"
#include "profile/python_layouts.h"

#include <stdio.h>
#include <string.h>

#define TOPIC  "profile"
#define FRAMES "ARROW_POOL_PROFILE_FRAMES"

static bool is_wanted(const target *p) { return p->settings.values[OPTION_PROFILE].text != NULL; }

static bool has_part(const target *p, unsigned part) {
  return (p->settings.values[OPTION_PROFILE_FRAMES].number & part) != 0;
}

/* Returns "will", or "would" of a profile that nobody wants. */
static const char *verb(const target *p) { return is_wanted(p) ? "will" : "would"; }

static finding_level level(const target *p, bool good) {
  return !is_wanted(p) ? FINDING_NOTE : good ? FINDING_OK : FINDING_WARNING;
}

void doctor_profile_setting(target *p) {
  if (!is_wanted(p) && !p->pid)
    findings_add(&p->found, FINDING_NOTE, TOPIC, "ARROW_POOL_PROFILE=DIRECTORY keeps one",
                 "no profile will be kept: nothing says who holds the memory");
}

/* ---- a command ---- */

void doctor_profile_python(target *p, const python *py) {
  bool is_cpython = strcmp(py->implementation, "cpython") == 0;
  bool known = is_cpython && python_layouts_knows(py->long_version);
  if (!has_part(p, PROFILE_WITH_PYTHON))
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL, FRAMES " leaves out python: a profile names no lines");
  else if (known)
    findings_add(&p->found, level(p, true), TOPIC, NULL,
                 "a profile %s name lines of Python: frames of %s can be read", verb(p), py->version);
  else
    findings_add(&p->found, level(p, false), TOPIC, "take CPython 3.9 to 3.14",
                 "a profile %s name no lines of Python: frames of %s %s%s cannot be read", verb(p),
                 py->implementation, py->version,
                 python_layouts_is_free_threaded(py->long_version) ? " without a GIL" : "");
}

/* Returns whether it exports what the tasks of its threads are told by. */
static bool exports_tasks(const elf_file *f) {
  elf_symbol wanted[] = {{.name = TASKS_TABLE_SYMBOL},
                         {.name = TASKS_THREAD_POOL_SYMBOL},
                         {.name = TASKS_TASK_SYMBOL},
                         {.name = TASKS_SPAWN_SYMBOL}};
  bool all = ABI_KNOWN;
  elf_file_find(f, false, wanted, sizeof wanted / sizeof *wanted);
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
    all &= wanted[i].defined;
  return all;
}

void doctor_profile_arrow(target *p, const elf_file *f, const char *version) {
  if (p->pid) /* its own profile says whether they are told */
    return;
  if (!has_part(p, PROFILE_WITH_TASKS))
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 FRAMES " leaves out tasks: a profile does not say for whom Arrow's threads work");
  else if (exports_tasks(f))
    findings_add(&p->found, level(p, true), TOPIC, NULL, "a profile %s say for whom the threads of %s work",
                 verb(p), version);
  else
    findings_add(&p->found, level(p, false), TOPIC, NULL,
                 "a profile %s not say for whom the threads of %s work: it does not export what that takes",
                 verb(p), version);
}

/* ---- a process ---- */

static void tell_python(target *p, const profile_header *h) {
  char version[sizeof h->python_version + 1] = "";
  memcpy(version, h->python_version, sizeof h->python_version);
  switch ((profile_python)atomic_load(&h->python)) {
  case PROFILE_PYTHON_READ:
    findings_add(&p->found, FINDING_OK, TOPIC, NULL, "its profile names lines of Python %s", version);
    break;
  case PROFILE_PYTHON_UNKNOWN:
    findings_add(&p->found, FINDING_WARNING, TOPIC, "take CPython 3.9 to 3.14",
                 "its profile names no lines of Python: frames of %s cannot be read", version);
    break;
  case PROFILE_PYTHON_OFF:
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "its profile names no lines of Python: " FRAMES " leaves them out");
    break;
  default:
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "its profile names no lines of Python: there was none in it when it sampled last");
  }
}

static void tell_tasks(target *p, const profile_header *h) {
  if (atomic_load(&h->tasks))
    findings_add(&p->found, FINDING_OK, TOPIC, NULL, "its profile says for whom Arrow's threads work");
  else
    findings_add(&p->found, has_part(p, PROFILE_WITH_TASKS) ? FINDING_WARNING : FINDING_NOTE, TOPIC, NULL,
                 "its profile does not say for whom Arrow's threads work%s",
                 has_part(p, PROFILE_WITH_TASKS) ? "" : ": " FRAMES " leaves them out");
}

static void tell_missing(target *p) {
  if (is_wanted(p))
    findings_add(&p->found, FINDING_WARNING, TOPIC, "name another directory",
                 "it keeps no profile: it could not make one in %s, which has no room or is not writable",
                 p->settings.values[OPTION_PROFILE].text);
  else
    findings_add(&p->found, FINDING_NOTE, TOPIC, "ARROW_POOL_PROFILE=DIRECTORY keeps one",
                 "it keeps no profile");
}

void doctor_profile_process(target *p, bool has_arrow) {
  char pid[24], path[PATH_MAX + 256];
  profile_file f;
  snprintf(pid, sizeof pid, "%ld", p->pid);
  if (!live_files_mapped(pid, PROFILE_SUFFIX, path, sizeof path)) {
    tell_missing(p);
    return;
  }
  const char *problem = profile_file_read(path, &f);
  if (problem) {
    findings_add(&p->found, FINDING_WARNING, TOPIC, NULL, "its profile %s: %s", path, problem);
    return;
  }
  findings_add(&p->found, FINDING_OK, TOPIC, NULL, "it keeps a profile: %s", path);
  tell_python(p, &f.header);
  if (has_arrow)
    tell_tasks(p, &f.header);
  profile_file_free(&f);
}
