/* Judges threads by their system call and by what lies on their stacks (safe_point.h): a word there that
 * looks like an address to which code of malloc or of the loader was to return tells that it is inside. Words
 * that were left behind make it err on the safe side, and another moment or thread is taken. */
#include "cli/attach/safe_point.h"

#ifdef __x86_64__
#include "cli/attach/remote.h"
#include "cli/base/memory.h"

#include "base/clock.h"
#include "base/proc.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define NEAR_BYTES 8192  /* malloc and the loader go no deeper while they hold their locks */
#define FAR_BYTES  65536 /* a signal handler may be deep */

/* What the kernel says within itself of a call that is to begin anew. */
enum { RESTARTSYS = 512, RESTARTNOINTR = 513, RESTARTNOHAND = 514, RESTART_RESTARTBLOCK = 516 };

/* ---- system calls ---- */

#ifndef SYS_epoll_pwait2 /* the C library's headers have it from 2.33 on */
#define SYS_epoll_pwait2 441
#endif

/* They wait for something that neither malloc nor the loader nor pthread_create waits for, or for a lock,
 * which the stack then tells. */
static bool is_waiting_call(int64_t number) {
  static const short numbers[] = {
      SYS_poll,    SYS_ppoll,  SYS_select,  SYS_pselect6, SYS_nanosleep,     SYS_clock_nanosleep,
      SYS_pause,   SYS_accept, SYS_accept4, SYS_recvfrom, SYS_recvmsg,       SYS_recvmmsg,
      SYS_connect, SYS_sendto, SYS_sendmsg, SYS_wait4,    SYS_waitid,        SYS_futex,
      SYS_read,    SYS_readv,  SYS_write,   SYS_writev,   SYS_rt_sigsuspend, SYS_flock};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (numbers[i] == number)
      return true;
  return false;
}

/* A stop ends these early, with EINTR; so they come last. */
static bool is_ended_by_stop(int64_t number) {
  return number == SYS_epoll_wait || number == SYS_epoll_pwait || number == SYS_epoll_pwait2;
}

/* ---- the stack ---- */

static bool is_in(const range *list, size_t count, uint64_t address) {
  for (size_t i = 0; i < count; i++)
    if (address >= list[i].begin && address < list[i].end)
      return true;
  return false;
}

/* Returns whether a call instruction ends there: E8 with an offset, or FF /2 in its lengths. */
static bool follows_call(const subject *s, uint64_t address) {
  unsigned char code[7];
  if (!remote_read(s->pid, address - sizeof code, code, sizeof code))
    return true;
  bool follows = code[2] == 0xe8;
  for (size_t at = 0; at + 2 <= sizeof code; at++)
    follows |= code[at] == 0xff && (code[at + 1] & 0x38) == 0x10;
  return follows;
}

static bool is_restorer(const subject *s, uint64_t address) {
  for (size_t i = 0; i < s->restorers_count; i++)
    if (s->restorers[i] == address)
      return true;
  return false;
}

/* Returns whether the stack says that the thread is in none of that. */
static bool has_clean_stack(const subject *s, uint64_t stack) {
  static uint64_t words[FAR_BYTES / sizeof(uint64_t)];
  const mapping *where = mappings_at(&s->maps, stack);
  if (!where || stack % sizeof *words) /* a new thread's stack is not known here */
    return false;
  uint64_t size = where->end - stack < FAR_BYTES ? where->end - stack : FAR_BYTES;
  if (!remote_read(s->pid, stack, words, size))
    return false;
  for (size_t i = 0; i < size / sizeof *words; i++) {
    if (is_restorer(s, words[i]))
      return false;
    if (i < NEAR_BYTES / sizeof *words && is_in(s->shunned, s->shunned_count, words[i]) &&
        follows_call(s, words[i]))
      return false;
  }
  return true;
}

/* ---- threads that are not stopped ---- */

typedef enum standing { STANDS_NOT, STANDS_WAITING, STANDS_ENDED_BY_STOP, STANDS_RUNNING } standing;

/* Says where a thread stands, which it may leave at any time. */
static standing look_at(const subject *s, long tid) {
  char path[96], text[256];
  int64_t number;
  uint64_t stack, address;
  snprintf(path, sizeof path, "/proc/%ld/task/%ld/syscall", s->pid, tid);
  if (proc_read(path, text, sizeof text) == 0)
    return STANDS_NOT;
  if (strncmp(text, "running", 7) == 0)
    return STANDS_RUNNING;
  char *words = text;
  number = strtoll(words, &words, 0);
  for (int i = 0; i < 6; i++)
    strtoull(words, &words, 0);
  stack = strtoull(words, &words, 0);
  address = strtoull(words, &words, 0);
  if (number < 0 || !address || is_in(s->shunned, s->shunned_count, address) || !has_clean_stack(s, stack))
    return STANDS_NOT;
  return is_waiting_call(number)    ? STANDS_WAITING
         : is_ended_by_stop(number) ? STANDS_ENDED_BY_STOP
                                    : STANDS_NOT;
}

/* Reads the numbers of all threads; the caller frees them. */
static size_t list_threads(const subject *s, long **out) {
  char path[64];
  size_t count = 0, room = 0;
  *out = NULL;
  snprintf(path, sizeof path, "/proc/%ld/task", s->pid);
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
    long tid = strtol(entry->d_name, NULL, 10);
    if (tid <= 0)
      continue;
    *out = memory_one_more(*out, count, &room, sizeof **out);
    (*out)[count++] = tid;
  }
  if (directory)
    closedir(directory);
  return count;
}

size_t safe_point_count(const subject *s, size_t *threads) {
  long *tids;
  size_t waiting = 0;
  *threads = list_threads(s, &tids);
  for (size_t i = 0; i < *threads; i++) {
    standing stands = look_at(s, tids[i]);
    waiting += stands == STANDS_WAITING || stands == STANDS_ENDED_BY_STOP;
  }
  free(tids);
  return waiting;
}

/* ---- threads that are stopped ---- */

static void safe_point_pause(int64_t milliseconds) {
  nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

/* Waits until a thread has stopped, as it was asked to, and hands on signals that come first. Returns false
 * if it has ended, or does not come to it soon. */
static bool wait_for_stop(long tid) {
  for (int tries = 0, status; tries < 1000; tries++) {
    long found = waitpid((pid_t)tid, &status, __WALL | WNOHANG);
    if (found < 0 || (found == tid && !WIFSTOPPED(status)))
      return false;
    if (found == tid && status >> 16 == PTRACE_EVENT_STOP)
      return WSTOPSIG(status) == SIGTRAP; /* else all of the process was stopped */
    if (found == tid)
      ptrace(PTRACE_CONT, (pid_t)tid, NULL, (void *)(uintptr_t)(status >> 16 ? 0 : WSTOPSIG(status)));
    else
      safe_point_pause(1);
  }
  return false;
}

static bool is_refused; /* the kernel does not let us trace */

static bool safe_point_stop(long tid, struct user_regs_struct *registers) {
  struct iovec space = {registers, sizeof *registers};
  if (ptrace(PTRACE_SEIZE, (pid_t)tid, NULL, NULL) != 0) {
    is_refused |= errno == EPERM; /* and not ended */
    return false;
  }
  if (ptrace(PTRACE_INTERRUPT, (pid_t)tid, NULL, NULL) == 0 && wait_for_stop(tid) &&
      ptrace(PTRACE_GETREGSET, (pid_t)tid, (void *)NT_PRSTATUS, &space) == 0)
    return true;
  ptrace(PTRACE_DETACH, (pid_t)tid, NULL, NULL);
  return false;
}

/* Returns whether a signal waits to be delivered, which is to end the system call. */
static bool has_signal(const subject *s, long tid) {
  static const char *const names[] = {"SigPnd:", "ShdPnd:", "SigBlk:"};
  uint64_t masks[3] = {0};
  char path[96], text[4096];
  snprintf(path, sizeof path, "/proc/%ld/task/%ld/status", s->pid, tid);
  proc_read(path, text, sizeof text);
  for (size_t i = 0; i < 3; i++) {
    const char *line = strstr(text, names[i]);
    masks[i] = line ? strtoull(line + strlen(names[i]), NULL, 16) : 0;
  }
  return (masks[0] | masks[1]) & ~masks[2];
}

/* Returns whether a thread that is stopped may be sent elsewhere. In a system call, the kernel has said what
 * is to become of that. */
static bool is_safe(const subject *s, const safe_point *p) {
  const struct user_regs_struct *r = &p->registers;
  int64_t number = (int64_t)r->orig_rax;
  if (has_signal(s, p->tid))
    return false;
  if (is_in(s->shunned, s->shunned_count, r->rip) || !has_clean_stack(s, r->rsp) ||
      is_in(s->code_rests, s->code_rests_count, r->rip))
    return false;
  if (number >= 0)
    return is_waiting_call(number) || is_ended_by_stop(number);
  return !s->has_own_malloc && !is_in(s->system, s->system_count, r->rip);
}

void safe_point_leave(const safe_point *p) { ptrace(PTRACE_DETACH, (pid_t)p->tid, NULL, NULL); }

uint64_t safe_point_resume(safe_point *p) {
  struct user_regs_struct *r = &p->registers;
  int64_t number = (int64_t)r->orig_rax, result = (int64_t)r->rax;
  if (number < 0)
    return r->rip;
  r->orig_rax = (uint64_t)-1; /* the kernel leaves the rest to us */
  if (result == -RESTART_RESTARTBLOCK)
    r->rax = SYS_restart_syscall;
  else if (result == -RESTARTSYS || result == -RESTARTNOINTR || result == -RESTARTNOHAND ||
           (result == -EINTR && is_ended_by_stop(number)))
    r->rax = (uint64_t)number;
  else
    return r->rip; /* it is over */
  return r->rip - 2;
}

/* Tries the threads that stand so. */
static bool try_threads(const subject *s, const long *tids, size_t count, standing wanted, safe_point *out) {
  for (size_t i = 0; i < count; i++) {
    if (look_at(s, tids[i]) != wanted || !safe_point_stop(tids[i], &out->registers))
      continue;
    out->tid = tids[i];
    if (is_safe(s, out))
      return true;
    safe_point_leave(out);
  }
  return false;
}

const char *safe_point_find(const subject *s, int64_t longest, safe_point *out) {
  int64_t deadline = clock_milliseconds() + longest;
  bool found = false;
  for (int round = 0; !found && !is_refused && clock_milliseconds() < deadline; round++) {
    long *tids;
    size_t count = list_threads(s, &tids);
    found = try_threads(s, tids, count, STANDS_WAITING, out);
    for (int rest = STANDS_ENDED_BY_STOP; !found && round > 2 && rest <= STANDS_RUNNING; rest++)
      found = try_threads(s, tids, count, (standing)rest, out);
    free(tids);
    if (!count)
      return "it has ended";
    if (!found)
      safe_point_pause(2);
  }
  if (!found && is_refused)
    return "the kernel does not let it be traced from here: ptrace: Operation not permitted";
  return found ? NULL : "none of its threads came to a point from which a call can be made";
}
#endif
