/* See snapshot.h. */
#include "snapshot.h"

#include "nocancel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static int64_t started_at;

/* As the process was started. What libc has is part of the arguments, over which a program may write its
 * title; one that gives itself another name later keeps the first one here, like the children that it forks.
 */
static char program[sizeof((snapshot_process *)0)->program];
static bool has_program;

int64_t snapshot_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void copy_text(char *out, size_t size, const char *text) {
  size_t length = strnlen(text, size - 1);
  memcpy(out, text, length);
  out[length] = 0;
}

static void keep_program(void) {
  if (!has_program)
    copy_text(program, sizeof program, program_invocation_short_name);
  has_program = true;
}

__attribute__((constructor(101))) void snapshot_mark_start(void) {
  started_at = snapshot_time();
  keep_program();
}

/* The number of KiB that follows `key` in /proc/self/status, in bytes. */
static int64_t status_bytes(const char *status, const char *key) {
  const char *at = strstr(status, key);
  if (!at)
    return ARROWPOOL_UNKNOWN;
  at += strlen(key);
  while (*at == ' ' || *at == '\t')
    at++;
  int64_t number = 0;
  for (; *at >= '0' && *at <= '9'; at++)
    number = number * 10 + (*at - '0');
  return number * 1024;
}

size_t snapshot_read_file(const char *path, char *out, size_t size) {
  int cancel_state = nocancel_begin(), fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, out, size - 1);
  if (fd >= 0)
    close(fd);
  nocancel_end(cancel_state);
  size_t used = length > 0 ? (size_t)length : 0;
  if (used && out[used - 1] == '\n')
    used--;
  out[used] = 0;
  return used;
}

int64_t snapshot_start_ticks(void) {
  char stat[1024];
  snapshot_read_file("/proc/self/stat", stat, sizeof stat);
  const char *at = strrchr(stat, ')'); /* the name ends there; the field is the 20th after it */
  for (int field = 0; at && field < 20; field++)
    at = strchr(at + 1, ' ');
  int64_t ticks = 0;
  for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++)
    ticks = ticks * 10 + (*at - '0');
  return ticks;
}

static void read_resident(snapshot_process *out) {
  char status[2048]; /* a signal's dump may run on the smallest of stacks */
  snapshot_read_file("/proc/self/status", status, sizeof status);
  out->rss_bytes = status_bytes(status, "VmRSS:");
  out->peak_rss_bytes = status_bytes(status, "VmHWM:");
}

void snapshot_read_process(bool ask_jemalloc, snapshot_process *out) {
  int saved = errno;
  struct utsname names;
  memset(out, 0, sizeof *out);
  out->pid = syscall(SYS_getpid);
  keep_program(); /* libraries may use memory before they and we are constructed */
  memcpy(out->program, program, sizeof program);
  copy_text(out->host, sizeof out->host, uname(&names) ? "" : names.nodename);
  out->start_time = started_at;
  out->time = snapshot_time();
  read_resident(out);
  out->warm_bytes = (int64_t)slots_idle_bytes();
  int64_t limit = quota_of_all();
  out->limit_bytes = limit == QUOTA_UNLIMITED ? ARROWPOOL_UNKNOWN : limit;
  out->has_jemalloc = ask_jemalloc && backend_jemalloc_read_figures(&out->jemalloc);
  errno = saved;
}

bool snapshot_next_pool(unsigned *index, snapshot_pool *out) {
  while (*index < POOL_COUNT)
    if (pool_view_at((*index)++, out))
      return true;
  return false;
}
