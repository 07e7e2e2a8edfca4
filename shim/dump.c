/* See dump.h. Files are written under a temporary name and renamed, mode 0600: a reader sees all or
 * nothing, and a link that somebody planted under the name is replaced, not followed. */
#include "dump.h"

#include "calm.h"
#include "log.h"
#include "router.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pid_t owner;                   /* the process whose dump this is */
static _Atomic bool written, writing; /* the last one is; one is under way */
static char directory[PATH_MAX];      /* the working directory at start; empty for an absolute path */

static const options_value *destination(void) { return &the_router.settings.values[OPTION_STATS]; }

static pid_t kernel_pid(void) { return (pid_t)syscall(SYS_getpid); }

void dump_prepare(void) {
  const char *path = destination()->text;
  owner = kernel_pid();
  if (path && path[0] != '/' && !getcwd(directory, sizeof directory))
    directory[0] = 0;
}

void dump_fork_child(void) {
  owner = kernel_pid();
  written = writing = false;
}

/* ---- the path ---- */

typedef struct path {
  char text[PATH_MAX];
  size_t length;
} path;

/* Not on the stack: a signal may come to a thread that has the least there may be. One for the last dump, one
 * for those before, which may be under way still. */
typedef struct paths {
  path target, temporary;
} paths;

/* Append; what does not fit makes the path too long for the kernel, which says so. */
static void append(path *p, const char *text, size_t length) {
  size_t room = sizeof p->text - 1 - p->length;
  length = length < room ? length : room;
  memcpy(p->text + p->length, text, length);
  p->length += length;
  p->text[p->length] = 0;
}

static void append_text(path *p, const char *text) { append(p, text, strlen(text)); }

static void append_number(path *p, int64_t number) {
  char text[24];
  append(p, text, writer_format_int(text, number));
}

/* A name from outside, as one component of the path. */
static void append_name(path *p, const char *name) {
  for (; *name; name++)
    append(p, *name == '/' ? "_" : name, 1);
}

static void expand(path *p, const char *pattern, const snapshot_process *process) {
  p->length = 0;
  if (directory[0]) {
    append_text(p, directory);
    append_text(p, "/");
  }
  for (; *pattern; pattern++) {
    if (*pattern != '%') {
      append(p, pattern, 1);
      continue;
    }
    switch (*++pattern) {
    case 'p':
      append_number(p, process->pid);
      break;
    case 'h':
      append_name(p, process->host);
      break;
    case 'e':
      append_name(p, process->program);
      break;
    case 't':
      append_number(p, process->start_time / 1000);
      break;
    default:
      append_text(p, "%");
    }
  }
}

/* ---- writing ---- */

/* Wait for the reader of a pipe who is slow, but not gone. Signals are held back meanwhile: a timer of the
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

/* An OPTIONS_FORMAT_...: what was chosen, or what the path's ending says. */
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

/* A device or a pipe is written to as it is; replacing it would be a calamity. So would replacing the
 * system's links to devices (/dev/stderr); links of other users are not followed. */
static bool is_special(const char *target) {
  struct stat s;
  if (lstat(target, &s))
    return false;
  if (S_ISLNK(s.st_mode) && ((s.st_uid != 0 && s.st_uid != geteuid()) || stat(target, &s)))
    return false;
  return !S_ISREG(s.st_mode);
}

static bool write_to(int fd, const char *target, report_source source) {
  static const arrowpool_format formats[] = {[OPTIONS_FORMAT_TEXT] = ARROWPOOL_FORMAT_TEXT,
                                             [OPTIONS_FORMAT_JSON] = ARROWPOOL_FORMAT_JSON,
                                             [OPTIONS_FORMAT_JSONL] = ARROWPOOL_FORMAT_JSON,
                                             [OPTIONS_FORMAT_PROMETHEUS] = ARROWPOOL_FORMAT_PROMETHEUS};
  return fd >= 0 && report_write(formats[format_of(target)], source, write_all, &fd);
}

static bool write_special(paths *p, report_source source) {
  int fd = open(p->target.text, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  bool done = write_to(fd, p->target.text, source);
  if (fd >= 0)
    close(fd);
  return done;
}

static bool write_file(paths *p, report_source source) {
  const char *target = p->target.text, *temporary = p->temporary.text;
  p->temporary.length = 0;
  append_text(&p->temporary, target);
  append_text(&p->temporary, ".");
  append_number(&p->temporary, owner);
  append_text(&p->temporary, ".tmp");
  unlink(temporary); /* left by a process of the same number that was killed while it wrote */
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return false;
  bool done = write_to(fd, target, source);
  int error = errno;
  if (close(fd) != 0 && done) {
    done = false;
    error = errno;
  }
  if (done && rename(temporary, target) == 0)
    return true;
  error = done ? errno : error;
  unlink(temporary);
  errno = error;
  return false;
}

/* A time series: one line more. Lines of several processes do not mix; a file of another user's is left
 * alone. */
static bool append_line(paths *p, report_source source) {
  struct stat s;
  int fd = open(p->target.text, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
  bool ours = fd >= 0 && fstat(fd, &s) == 0 && s.st_uid == geteuid();
  /* Not flock: the child of a fork in the middle of this would hold the lock, too, and wait for itself. */
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  while (ours && fcntl(fd, F_SETLKW, &whole) && errno == EINTR) {
  }
  if (fd >= 0 && !ours)
    errno = EPERM;
  int error = errno;
  bool done = ours && write_to(fd, p->target.text, source);
  error = ours ? errno : error;
  if (fd >= 0)
    close(fd);
  errno = error;
  return done;
}

/* Never inlined: its kilobyte would stay on the stack while the dump is written. */
static __attribute__((noinline)) bool anything_to_say(void) {
  snapshot_pool pool;
  unsigned index = 0;
  return the_router.settings.values[OPTION_STATS_IDLE].number || snapshot_next_pool(&index, &pool);
}

static void write_dump(paths *p, report_source source) {
  if (strcmp(destination()->text, "stderr") == 0) {
    if (log_has_stderr())
      write_to(STDERR_FILENO, "", source);
    return;
  }
  snapshot_process process;
  const char *target = p->target.text;
  snapshot_read_process(false, &process);
  expand(&p->target, destination()->text, &process);
  bool (*write_target)(paths *, report_source) = is_special(target)                          ? write_special
                                                 : format_of(target) == OPTIONS_FORMAT_JSONL ? append_line
                                                                                             : write_file;
  if (!write_target(p, source))
    router_warn((const char *const[]){"cannot write ", target, ": ", strerrordesc_np(errno)}, 4);
}

/* The last dump waits for one that is under way, but not for ever: that may be in the thread that it
 * interrupts. */
static void wait_for_turn(void) {
  for (int tries = 0; atomic_exchange(&writing, true) && tries < 1000; tries++)
    for (struct timespec left = {.tv_nsec = 1000000}; nanosleep(&left, &left) && errno == EINTR;) {
    }
}

static bool is_due(void) {
  return owner && destination()->text && kernel_pid() == owner && anything_to_say();
}

void dump_at_exit(report_source source) {
  static paths last;
  int saved = errno;
  calm c;
  if (!is_due() || atomic_exchange(&written, true))
    return;
  wait_for_turn();
  calm_begin(&c);
  write_dump(&last, source);
  calm_end(&c);
  errno = saved;
}

void dump_now(report_source source) {
  static paths now;
  int saved = errno;
  calm c;
  if (!is_due() || atomic_load(&written) || atomic_exchange(&writing, true))
    return;
  calm_begin(&c);
  write_dump(&now, source);
  calm_end(&c);
  atomic_store(&writing, false);
  errno = saved;
}
