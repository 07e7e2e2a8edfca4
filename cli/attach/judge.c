/* Looks at one thing after the other, and stops at the first that is a problem (judge.h). */
#include "cli/attach/judge.h"

#include "arrow/abi.h"
#include "base/proc.h"
#include "cli/attach/safe_point.h"
#include "cli/base/cli.h"
#include "cli/doctor/doctor.h"
#include "cli/program/preload.h"
#include "cli/stats/process_truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC "process"

static bool refuse(target *p, const char *advice, const char *text) {
  findings_add(&p->found, FINDING_PROBLEM, TOPIC, advice, "%s", text);
  return false;
}

/* ---- /proc/PID/status ---- */

/* Returns a number of a status file; -1 if it has none of that name. */
static long status_number(const char *process, const char *name, int base) {
  char path[64], text[8192];
  snprintf(path, sizeof path, "/proc/%s/status", process);
  proc_read(path, text, sizeof text);
  const char *line = strstr(text, name);
  return line ? (long)strtoull(line + strlen(name), NULL, base) : -1;
}

static bool is_a_process(target *p, const char *pid) {
  char text[PROCESS_TRUTH_BYTES], owner[96];
  const char *absence = process_truth_absence(pid);
  if (absence)
    return refuse(p, NULL, absence);
  long group = status_number(pid, "\nTgid:", 10);
  if (group != p->pid) {
    snprintf(owner, sizeof owner, "it is a thread of process %ld: attach to that", group);
    return refuse(p, NULL, owner);
  }
  const char *truth = process_truth_of(pid, text);
  return !truth || refuse(p, NULL, truth);
}

/* ---- its program ---- */

static bool is_like_us(target *p) {
  static program exe; /* it is static because it is large */
  char path[64], reason[300];
  snprintf(path, sizeof path, "/proc/%ld/exe", p->pid);
  const char *problem = program_open_file(path, &exe);
  if (problem)
    return refuse(p, NULL, problem);
  program_verdict verdict = program_judge(&exe, reason);
  if (verdict == PROGRAM_STATIC)
    snprintf(reason, sizeof reason,
             "it is linked statically, so that it has no loader which could load anything");
  bool fits = verdict == PROGRAM_PRELOADS || verdict == PROGRAM_SECURE;
  if (fits)
    findings_add(&p->found, FINDING_OK, TOPIC, NULL, "process %ld runs %s: %s", p->pid, exe.real,
                 exe.elf.machine);
  program_close(&exe);
  return fits || refuse(p, NULL, reason);
}

/* ---- whether it may be traced ---- */

enum { CAP_SYS_PTRACE_BIT = 19 };

static bool may_trace(target *p, const char *pid) {
  char text[160], value[16];
  long tracer = status_number(pid, "\nTracerPid:", 10);
  if (tracer > 0) {
    snprintf(text, sizeof text, "process %ld traces it, as debuggers and strace do", tracer);
    return refuse(p, "end that first", text);
  }
  proc_stat stat;
  snprintf(text, sizeof text, "/proc/%s/stat", pid);
  if (proc_read_stat(text, &stat) && stat.state == 'T')
    return refuse(p, "let it go on first: kill -CONT PID", "it is stopped, as by SIGSTOP");
  if (status_number("self", "\nCapEff:", 16) >> CAP_SYS_PTRACE_BIT & 1)
    return true;
  proc_read("/proc/sys/kernel/yama/ptrace_scope", value, sizeof value);
  if (atol(value) <= 0)
    return true;
  snprintf(text, sizeof text, "kernel.yama.ptrace_scope is %ld here: %s", atol(value),
           atol(value) == 1   ? "only its parents and root may trace a process"
           : atol(value) == 2 ? "only root may trace a process"
                              : "nobody may trace a process");
  return refuse(p,
                atol(value) == 3
                    ? "restart the machine without that setting"
                    : "ask as root, or have root set it to 0 (sysctl kernel.yama.ptrace_scope=0)",
                text);
}

/* A filter that is ours too lets through what we do; of another it is not known, and what it forbids may end
 * the process. */
static bool may_call(target *p, const char *pid) {
  long mode = status_number(pid, "\nSeccomp:", 10), filters = status_number(pid, "\nSeccomp_filters:", 10);
  bool has_ours = status_number("self", "\nSeccomp:", 10) == 2 &&
                  status_number("self", "\nSeccomp_filters:", 10) == filters;
  if (mode > 0 && !(mode == 2 && has_ours))
    return refuse(p, "attach before it confines itself, or start it by arrowpool run",
                  "it confines itself by seccomp, and a forbidden system call might end it");
  char path[64], text[8192];
  snprintf(path, sizeof path, "/proc/%s/status", pid);
  proc_read(path, text, sizeof text);
  if (strstr(text, "x86_Thread_features:") && strstr(text, "shstk"))
    return refuse(p, "start it by arrowpool run", "it has a shadow stack, which no call can be slipped past");
  return true;
}

/* ---- what is loaded ---- */

static bool is_repeated(const subject *s, size_t at) {
  for (size_t i = 0; i < at; i++)
    if (strcmp(s->maps.all[i].path, s->maps.all[at].path) == 0)
      return true;
  return false;
}

static const char *find_mapped(const subject *s, const char *name) {
  for (size_t i = 0; i < s->maps.count; i++)
    if (strncmp(basename(s->maps.all[i].path), name, strlen(name)) == 0)
      return s->maps.all[i].path;
  return NULL;
}

/* Has the doctor say of each libarrow whether its pools can be patched. */
static bool has_arrow(target *p, const subject *s) {
  size_t before = p->found.count;
  bool any = false;
  for (size_t i = 0; i < s->maps.count; i++) {
    const char *path = s->maps.all[i].path;
    if (strncmp(basename(path), "libarrow.so", 11) == 0 && !is_repeated(s, i))
      doctor_arrow(p, path);
  }
  for (size_t i = before; i < p->found.count; i++)
    any |= p->found.all[i].level == FINDING_OK;
  if (any) {
    for (size_t i = before; i < p->found.count; i++)
      if (p->found.all[i].level == FINDING_PROBLEM)
        p->found.all[i].level = FINDING_WARNING; /* another one is served */
    return true;
  }
  return p->found.count > before ? false
                                 : refuse(p, NULL,
                                          "no libarrow is mapped, or not yet: attach once its program has "
                                          "imported it");
}

/* Finds the library that the process is to load: the one that it has, or ours, which it has to see. */
static bool find_library(target *p, const subject *s, char *path) {
  char theirs[2 * PATH_MAX];
  struct stat here, there;
  const char *mapped = find_mapped(s, "libarrowpool.so");
  if (mapped) {
    snprintf(path, PATH_MAX, "%s", mapped);
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL, "arrowpool's library is mapped already: %s", mapped);
    return true;
  }
  if (!preload_find_library(path)) {
    snprintf(theirs, sizeof theirs, "%s: neither beside this program nor in %s", PRELOAD_LIBRARY,
             ARROWPOOL_LIBDIR);
    return refuse(p, NULL, theirs);
  }
  snprintf(theirs, sizeof theirs, "%s%s", p->root, path);
  if (stat(path, &here) == 0 && stat(theirs, &there) == 0 && here.st_ino == there.st_ino)
    return true;
  snprintf(theirs, sizeof theirs, "it does not see %.3000s, as in a container of its own", path);
  return refuse(p, "install arrowpool there, and attach from there", theirs);
}

static bool has_no_shim(target *p, const subject *s) {
  const char *shim = find_mapped(s, PRELOAD_SHIM);
  char text[PATH_MAX + 64];
  if (!shim)
    return true;
  snprintf(text, sizeof text, "the shim is mapped, and serves already: %s", shim);
  return refuse(p, NULL, text);
}

static bool can_be_called(target *p, const subject *s, const char *problem) {
#ifdef __x86_64__
  size_t threads, waiting;
  if (problem)
    return refuse(p, NULL, problem);
  waiting = safe_point_count(s, &threads);
  findings_add(&p->found, FINDING_OK, TOPIC, NULL,
               "%zu of its threads, %zu now in a system call from which a call can be made", threads,
               waiting);
#else
  (void)p, (void)s, (void)problem;
#endif
  return true;
}

void judge_process(target *p, subject *s, char *path) {
  char pid[24];
  *s = (subject){0};
  snprintf(pid, sizeof pid, "%ld", p->pid);
  snprintf(p->root, sizeof p->root, "/proc/%ld/root", p->pid);
  if (!is_a_process(p, pid))
    return;
#ifndef __x86_64__
  refuse(p, "start it by arrowpool run, or call arrowpool.install() in it",
         "on this processor no process can be attached to yet");
  return;
#endif
  if (!is_like_us(p) || !may_trace(p, pid) || !may_call(p, pid))
    return;
  const char *problem = subject_read(p->pid, s);
  if (has_no_shim(p, s) && has_arrow(p, s) && find_library(p, s, path) && can_be_called(p, s, problem))
    findings_add(&p->found, FINDING_NOTE, TOPIC, NULL,
                 "libc's functions stay as they are, and so do buffers that are there already");
}
