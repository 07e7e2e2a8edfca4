/* Adds the processes' counts up, and says what they mean. */
#include "cli/who/notes.h"

#include "base/presence.h"

#include <string.h>

const char *who_python_name(profile_python python) {
  static const char *const names[] = {[PROFILE_PYTHON_ABSENT] = "absent",
                                      [PROFILE_PYTHON_READ] = "read",
                                      [PROFILE_PYTHON_UNKNOWN] = "unknown",
                                      [PROFILE_PYTHON_OFF] = "off"};
  return names[python];
}

static void note(FILE *out, int64_t count, const char *one, const char *many) {
  if (count)
    fprintf(out, "%lld %s\n", (long long)count, count == 1 ? one : many);
}

typedef enum python_gap { GAP_NONE, GAP_UNKNOWN, GAP_OFF, GAP_TASKS, GAPS } python_gap;

static python_gap gap_of(const who_process *p) {
  return p->python == PROFILE_PYTHON_UNKNOWN             ? GAP_UNKNOWN
         : p->python == PROFILE_PYTHON_OFF               ? GAP_OFF
         : p->python == PROFILE_PYTHON_READ && !p->tasks ? GAP_TASKS
                                                         : GAP_NONE;
}

/* Says why lines of Python are missing: of one process by its number, of several by how many there are. */
static void write_gaps(FILE *out, const who_model *m) {
  static const char *const said[GAPS] = {
      [GAP_UNKNOWN] = "the frames of this Python cannot be read, so no line of it is known",
      [GAP_OFF] = "no line of Python is known, as none was wanted",
      [GAP_TASKS] = "who gave Arrow's threads their tasks is not known"};
  for (python_gap gap = GAP_NONE + 1; gap < GAPS; gap++) {
    size_t count = 0;
    const who_process *one = NULL;
    for (size_t i = 0; i < m->process_count; i++)
      if (gap_of(&m->processes[i]) == gap) {
        one = &m->processes[i];
        count++;
      }
    if (count == 1)
      fprintf(out, "pid %lld%s%s: %s\n", (long long)one->pid, *one->python_version ? ", Python " : "",
              one->python_version, said[gap]);
    else if (count)
      fprintf(out, "%zu processes: %s\n", count, said[gap]);
  }
}

/* Says where libc's functions are not in the figures. */
static void write_installed(FILE *out, const who_model *m) {
  size_t count = 0;
  const who_process *one = NULL;
  for (size_t i = 0; i < m->process_count; i++)
    if (m->processes[i].presence == PRESENCE_OF(ARROWPOOL_INSTALLED)) {
      one = &m->processes[i];
      count++;
    }
  if (count == 1)
    fprintf(out, "pid %lld: " PRESENCE_INSTALLED_TEXT "\n", (long long)one->pid);
  else if (count)
    fprintf(out, "%zu processes: " PRESENCE_INSTALLED_TEXT "\n", count);
}

void who_write_notes(FILE *out, const who_model *m) {
  int64_t records = 0, stacks = 0, walks = 0, damaged = 0;
  for (size_t i = 0; i < m->process_count; i++) {
    const who_process *p = &m->processes[i];
    records += p->lost_records;
    stacks += p->lost_stacks;
    walks += p->failed_walks;
    damaged += p->damaged;
  }
  write_gaps(out, m);
  write_installed(out, m);
  note(out, records, "sample of a live buffer found no room: live is too small",
       "samples of live buffers found no room: live is too small");
  note(out, stacks, "sample found no room for its stack: it is (other)",
       "samples found no room for their stacks: they are (other)");
  note(out, walks, "Python stack could not be read to the end", "Python stacks could not be read to the end");
  note(out, damaged, "entry made no sense and is left out", "entries made no sense and are left out");
  for (size_t i = 0; i < m->modules.count; i++) {
    const who_module *module = who_module_at(m, i);
    if (module->problem)
      fprintf(out, "no names of functions of %s: %s\n", module->path, module->problem);
  }
}
