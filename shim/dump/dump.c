/* Decides whether a dump is due and fits on the stack, and writes it. */
#include "shim/dump/dump.h"

#include "base/errors.h"
#include "base/sigpipe.h"
#include "shim/dump/dump_file.h"
#include "shim/dump/dump_path.h"
#include "shim/log.h"
#include "shim/router.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pid_t owner;                   /* the process whose dump this is */
static _Atomic bool written, writing; /* the last dump is written; one is under way */
static char directory[PATH_MAX];      /* the working directory at start; empty for an absolute path */

static const options_value *destination(void) { return &the_router.settings.values[OPTION_STATS]; }

static pid_t kernel_pid(void) { return (pid_t)syscall(SYS_getpid); }

void dump_prepare(void) {
  const char *path = destination()->text;
  owner = kernel_pid();
  if (path && path[0] != '/' && !getcwd(directory, sizeof directory))
    directory[0] = 0;
}

/* ---- what was told ---- */

/* A bit for each error that the user was told, 0 being too little stack: a disk that is full is so at the
 * next interval as well. */
static _Atomic uint64_t told[3];

static bool is_news(int error) {
  uint64_t bit = UINT64_C(1) << error % 64;
  return !(atomic_fetch_or(&told[error / 64 % 3], bit) & bit);
}

static void forget_told(void) {
  for (size_t i = 0; i < sizeof told / sizeof *told; i++)
    atomic_store(&told[i], 0);
}

void dump_fork_child(void) {
  owner = kernel_pid();
  written = writing = false;
  forget_told();
}

/* A dump is made in this. It is not on the stack: a signal may come to a thread that has the least there may
 * be. There is one for the last dump, and one for those before, which may be under way still. */
typedef struct room {
  char target[PATH_MAX], scratch[PATH_MAX];
  report_room report;
} room;

/* ---- writing ---- */

/* Waits for the reader of a pipe who is slow, but not gone. Signals are held back meanwhile: a timer of the
 * program's must neither cut the wait short nor make it endless. */
static bool has_room(int fd) {
  sigset_t all;
  sigfillset(&all);
  return ppoll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, &(struct timespec){.tv_sec = 1}, &all) > 0;
}

static int write_all(void *context, const char *text, size_t size) {
  int fd = *(int *)context;
  while (size) {
    ssize_t done = write(fd, text, size);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0 && errno == EAGAIN && has_room(fd))
      continue;
    if (done <= 0)
      return -1;
    text += done;
    size -= (size_t)done;
  }
  return 0;
}

static bool ends_with(const char *text, const char *ending) {
  size_t length = strlen(text), wanted = strlen(ending);
  return length >= wanted && strcmp(text + length - wanted, ending) == 0;
}

/* Returns an OPTIONS_FORMAT_...: what was chosen, or what the path's ending says. */
static int format_of(const char *target) {
  const options_value *format = &the_router.settings.values[OPTION_STATS_FORMAT];
  static const char *const endings[] = {[OPTIONS_FORMAT_JSON] = ".json",
                                        [OPTIONS_FORMAT_JSONL] = ".jsonl",
                                        [OPTIONS_FORMAT_PROMETHEUS] = ".prom"};
  for (int i = OPTIONS_FORMAT_JSON; i <= OPTIONS_FORMAT_PROMETHEUS && !format->given; i++)
    if (ends_with(target, endings[i]))
      return i;
  return format->given ? (int)format->number : OPTIONS_FORMAT_TEXT;
}

static bool write_to(int fd, const char *target, report_source source, report_room *report) {
  static const arrowpool_format formats[] = {[OPTIONS_FORMAT_TEXT] = ARROWPOOL_FORMAT_TEXT,
                                             [OPTIONS_FORMAT_JSON] = ARROWPOOL_FORMAT_JSON,
                                             [OPTIONS_FORMAT_JSONL] = ARROWPOOL_FORMAT_JSON,
                                             [OPTIONS_FORMAT_PROMETHEUS] = ARROWPOOL_FORMAT_PROMETHEUS};
  return fd >= 0 && report_write(formats[format_of(target)], source, report, write_all, &fd);
}

/* The context with which dump_file_write calls back. */
typedef struct contents {
  room *room;
  report_source source;
} contents;

static bool fill(void *context, int fd) {
  const contents *c = context;
  return write_to(fd, c->room->target, c->source, &c->room->report);
}

static void write_dump(room *r, report_source source) {
  if (strcmp(destination()->text, "stderr") == 0) {
    if (log_has_stderr())
      write_to(STDERR_FILENO, "", source, &r->report);
    return;
  }
  snapshot_process *process = &r->report.process; /* it is read again for the report */
  snapshot_read_process(false, process);
  if (dump_path_expand(r->target, &r->report.writer, directory, destination()->text, process) &&
      dump_file_write(r->target, r->scratch, format_of(r->target) == OPTIONS_FORMAT_JSONL, owner, fill,
                      &(contents){r, source}))
    forget_told();
  else if (is_news(errno))
    router_warn(PIECES("cannot write ", r->target, ": ", errors_text(errno)));
}

/* ---- when ---- */

/* A dump needs at most so many bytes of stack from here on; tests/shim/altstack.bats holds it to that. */
#define STACK_BYTES 1536

/* Returns whether a dump fits on what is left of a signal's own stack. jemalloc, whose locks the thread may
 * hold and which needs far more, is not asked there. The handler that would overrun the stack would write
 * over whatever the program has there. */
static __attribute__((noinline)) bool fits_on_stack(report_source *source) {
  stack_t s;
  if (sigaltstack(NULL, &s) || !(s.ss_flags & SS_ONSTACK))
    return true;
  *source = REPORT_SAFE;
  if ((uintptr_t)__builtin_frame_address(0) - (uintptr_t)s.ss_sp >= STACK_BYTES)
    return true;
  if (is_news(0))
    router_tell("arrowpool: no statistics: too little is left of the signal stack\n");
  return false;
}

/* The last dump waits for one that is under way, but not for ever: that may be in the thread that it
 * interrupts. */
static void wait_for_turn(void) {
  for (int tries = 0; atomic_exchange(&writing, true) && tries < 1000; tries++)
    for (struct timespec left = {.tv_nsec = 1000000}; nanosleep(&left, &left) && errno == EINTR;) {
    }
}

static bool is_due(void) {
  return owner && destination()->text && kernel_pid() == owner &&
         (the_router.settings.values[OPTION_STATS_IDLE].number || snapshot_has_pools());
}

void dump_at_exit(report_source source) {
  static room last;
  int saved = errno;
  sigpipe_state c;
  if (!is_due() || !fits_on_stack(&source) || atomic_exchange(&written, true))
    return;
  sigpipe_begin(&c);
  wait_for_turn();
  write_dump(&last, source);
  sigpipe_end(&c);
  errno = saved;
}

void dump_now(report_source source) {
  static room now;
  int saved = errno;
  sigpipe_state c;
  if (!is_due() || atomic_load(&written) || !fits_on_stack(&source) || atomic_exchange(&writing, true))
    return;
  sigpipe_begin(&c);
  write_dump(&now, source);
  sigpipe_end(&c);
  atomic_store(&writing, false);
  errno = saved;
}
