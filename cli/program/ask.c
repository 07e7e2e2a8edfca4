/* Starts what is asked: forked, not spawned, since it takes limits along, and dies when the doctor does. */
#include "cli/program/ask.h"

#include "base/clock.h"
#include "cli/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* glibc has both from 2.34 on; the number is that of all processors. */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { OUTPUT, ERRORS, START, STREAMS }; /* they come back; START is the errno of a failed start */

typedef struct stream {
  int ours, theirs; /* the ends of a pipe; -1: it is closed */
  char *text;       /* it has a NUL behind it */
  size_t size, most;
  bool overflowed;
} stream;

/* ---- the other process ---- */

static void close_end(int *end) {
  if (*end >= 0)
    close(*end);
  *end = -1;
}

/* Returns another descriptor for the same, that is none of the standard ones, which may have been closed. */
static int move_up(int end) {
  int moved = fcntl(end, F_DUPFD_CLOEXEC, 3);
  close(end);
  return moved;
}

static bool open_stream(stream *s, size_t most) {
  int ends[2];
  *s = (stream){.ours = -1, .theirs = -1, .most = most, .text = memory_zeroed(1, most + 1)};
  if (pipe2(ends, O_CLOEXEC))
    return false;
  s->ours = move_up(ends[0]);
  s->theirs = move_up(ends[1]);
  return s->ours >= 0 && s->theirs >= 0;
}

static bool ask_prepare(const ask_question *question, const stream streams[STREAMS]) {
  int input = move_up(open("/dev/null", O_RDONLY | O_CLOEXEC));
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  bool moved = dup2(input, STDIN_FILENO) >= 0 && dup2(streams[OUTPUT].theirs, STDOUT_FILENO) >= 0 &&
               dup2(streams[ERRORS].theirs, STDERR_FILENO) >= 0;
  syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
  return moved && (!question->directory || !*question->directory || chdir(question->directory) == 0);
}

static _Noreturn void become(const ask_question *question, const stream streams[STREAMS]) {
  if (ask_prepare(question, streams))
    execve(question->file, question->arguments, question->environment);
  int error = errno;
  _exit(write(streams[START].theirs, &error, sizeof error) != sizeof error);
}

/* ---- what it says ---- */

/* Takes what is there, and closes the stream at its end. */
static void ask_take(stream *s) {
  char rest[4096];
  ssize_t length = read(s->ours, rest, sizeof rest);
  if (length <= 0) {
    if (length == 0 || errno != EINTR)
      close_end(&s->ours);
    return;
  }
  size_t room = s->most - s->size, kept = (size_t)length < room ? (size_t)length : room;
  memcpy(s->text + s->size, rest, kept);
  s->size += kept;
  s->overflowed |= kept < (size_t)length;
}

/* Returns what came as a text, which no NUL ends early. */
static char *as_text(stream *s) {
  for (size_t i = 0; i < s->size; i++)
    if (!s->text[i])
      s->text[i] = '?';
  return s->text;
}

/* Returns whether it has ended; its number stays its own until it is waited for. */
static bool has_ended(pid_t child) {
  siginfo_t state = {0};
  return waitid(P_PID, (id_t)child, &state, WEXITED | WNOHANG | WNOWAIT) || state.si_pid == child;
}

/* Takes all until it has ended, with nothing left to read, or says too much: others that it started may hold
 * the pipes open for ever. Returns false if that took too long. */
static bool take_all(stream streams[STREAMS], pid_t child, int64_t deadline) {
  while (clock_milliseconds() < deadline) {
    struct pollfd waiting[STREAMS];
    bool ended = has_ended(child); /* it is asked before the look at what is there */
    for (int i = 0; i < STREAMS; i++)
      waiting[i] = (struct pollfd){streams[i].ours, POLLIN, 0};
    int ready = poll(waiting, STREAMS, ended ? 0 : 5);
    for (int i = 0; ready > 0 && i < STREAMS; i++)
      if (waiting[i].revents)
        ask_take(&streams[i]);
    if (streams[OUTPUT].overflowed || (ready == 0 && ended))
      return true;
  }
  return false;
}

static int end_all(pid_t child) {
  int status = 0;
  kill(-child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

/* ---- why that is no answer ---- */

/* Finds the line of stderr that tells most: the first that has "rror: ", or the last one. */
static void find_reason(char *text, char *out, size_t size) {
  *out = 0;
  for (char *rest, *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
    snprintf(out, size, ": %s", line + strspn(line, " \t"));
    if (strstr(line, "rror: "))
      return;
  }
}

static void describe(stream streams[STREAMS], int status, bool in_time, char *out, size_t size) {
  int error = 0;
  if (streams[START].size == sizeof error) {
    memcpy(&error, streams[START].text, sizeof error);
    snprintf(out, size, "does not start: %s", strerror(error));
  } else if (!in_time) {
    snprintf(out, size, "did not answer within %d s", ASK_SECONDS);
  } else if (streams[OUTPUT].overflowed) {
    snprintf(out, size, "said more than %zu bytes", ASK_MOST_BYTES);
  } else if (WIFSIGNALED(status)) {
    snprintf(out, size, "was ended by signal %d", WTERMSIG(status));
  } else if (WEXITSTATUS(status)) {
    int length = snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
    find_reason(as_text(&streams[ERRORS]), out + length, size - (size_t)length);
  }
}

/* ---- all of it ---- */

static void ask_with(const ask_question *question, stream streams[STREAMS], ask_answer *out) {
  int64_t deadline = clock_milliseconds() + (int64_t)ASK_SECONDS * 1000;
  signal(SIGCHLD, SIG_DFL); /* otherwise its end could not be waited for */
  pid_t child = fork();
  if (child == 0)
    become(question, streams);
  if (child < 0) {
    snprintf(out->problem, sizeof out->problem, "does not start: %s", strerror(errno));
    return;
  }
  setpgid(child, child); /* whoever of the two comes first does it */
  for (int i = 0; i < STREAMS; i++)
    close_end(&streams[i].theirs);
  bool in_time = take_all(streams, child, deadline);
  int status = end_all(child);
  describe(streams, status, in_time, out->problem, sizeof out->problem);
}

bool ask(const ask_question *question, ask_answer *out) {
  stream streams[STREAMS];
  *out = (ask_answer){0};
  bool opened = open_stream(&streams[OUTPUT], ASK_MOST_BYTES);
  opened &= open_stream(&streams[ERRORS], 16384);
  opened &= open_stream(&streams[START], sizeof(int));
  if (opened)
    ask_with(question, streams, out);
  else
    snprintf(out->problem, sizeof out->problem, "does not start: %s", strerror(errno));
  out->text = as_text(&streams[OUTPUT]);
  for (int i = 0; i < STREAMS; i++) {
    close_end(&streams[i].ours);
    close_end(&streams[i].theirs);
    if (i != OUTPUT)
      free(streams[i].text);
  }
  return !*out->problem;
}

void ask_free(ask_answer *answer) {
  free(answer->text);
  answer->text = NULL;
}
