/* Says in words what a row of the table is of. */
#include "cli/who/aggregate.h"

#include <stdio.h>

static void label_line(const who_model *m, const who_row *row, char *out) {
  const who_frame *f = row->frame;
  if (!f)
    snprintf(out, WHO_LABEL_BYTES, "%s", row->stack->other ? "(other)" : "(no Python frame)");
  else if (m->by == WHO_BY_FUNCTION)
    snprintf(out, WHO_LABEL_BYTES, "%s %s", f->file, f->function);
  else if (f->line)
    snprintf(out, WHO_LABEL_BYTES, "%s:%d %s", f->file, f->line, f->function);
  else
    snprintf(out, WHO_LABEL_BYTES, "%s:? %s", f->file, f->function);
}

static void label_thread(const who_model *m, const who_row *row, char *out) {
  const who_thread *t = who_thread_at(m, row->thread);
  const who_process *p = &m->processes[t->process];
  if (t->number)
    snprintf(out, WHO_LABEL_BYTES, "%s (thread %d of %s, pid %lld)", t->name, t->number, p->program,
             (long long)p->pid);
  else
    snprintf(out, WHO_LABEL_BYTES, "(other threads of %s, pid %lld)", p->program, (long long)p->pid);
}

const char *who_row_label(const who_model *m, const who_row *row, char out[WHO_LABEL_BYTES]) {
  switch (m->by) {
  case WHO_BY_NATIVE:
    snprintf(out, WHO_LABEL_BYTES, "%s",
             row->native != WHO_NONE ? who_native_at(m, row->native)->name
             : row->stack->other     ? "(other)"
                                     : "(no native frame)");
    break;
  case WHO_BY_POOL:
    snprintf(out, WHO_LABEL_BYTES, "%s", row->stack->pool);
    break;
  case WHO_BY_THREAD:
    label_thread(m, row, out);
    break;
  default:
    label_line(m, row, out);
  }
  return out;
}

const char *who_row_remark(const who_model *m, const who_row *row) {
  bool by_python = m->by == WHO_BY_LINE || m->by == WHO_BY_FUNCTION;
  return by_python && row->frame && row->stack->kind == PROFILE_TASK ? "[by Arrow's threads, task given here]"
                                                                     : "";
}
