/* Reads what is known of the process, from the kernel and from the library. */
#include "report/snapshot.h"

#include "base/clock.h"
#include "base/nocancel.h"
#include "memory/idle.h"
#include "pool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static int64_t started_at;

/* The program's name as the process was started. What libc has is part of the arguments, over which a program
 * may write its title; one that gives itself another name later keeps the first one here, like the children
 * that it forks. */
static char program[sizeof((snapshot_process *)0)->program];
static bool has_program;
static char job_name[JOB_NAME_BYTES];

static void copy_text(char *out, size_t size, const char *text) {
  size_t length = strnlen(text, size - 1);
  memcpy(out, text, length);
  out[length] = 0;
}

void snapshot_set_job_name(const char *name) { copy_text(job_name, sizeof job_name, name); }

static void keep_program(void) {
  if (!has_program)
    copy_text(program, sizeof program, program_invocation_short_name);
  has_program = true;
}

__attribute__((constructor(101))) void snapshot_mark_start(void) {
  started_at = clock_since_epoch();
  keep_program();
}

/* ---- memory, line by line: what comes before (a list of a thousand groups) may be longer than any buffer
 * that a signal's stack has room for ---- */

typedef struct status_file {
  int fd;
  size_t used, length;
  char bytes[256];
} status_file;

static int next_byte(status_file *s) {
  if (s->used == s->length) {
    ssize_t got = s->fd < 0 ? -1 : read(s->fd, s->bytes, sizeof s->bytes);
    s->used = 0;
    s->length = got > 0 ? (size_t)got : 0;
    if (!s->length)
      return -1;
  }
  return (unsigned char)s->bytes[s->used++];
}

/* Reads a line that begins with `c`. If its key is one we know, its number of KiB is stored in bytes; the
 * next byte is behind the line. */
static void read_status_line(status_file *s, int c, snapshot_process *out) {
  static const char rss[] = "VmRSS:", peak[] = "VmHWM:";
  bool is_rss = true, is_peak = true;
  int64_t number = 0;
  for (size_t i = 0; c >= 0 && c != '\n'; c = next_byte(s), i++) {
    if (i < sizeof rss - 1) {
      is_rss &= c == rss[i];
      is_peak &= c == peak[i];
    } else if ((is_rss || is_peak) && c >= '0' && c <= '9') {
      number = number * 10 + (c - '0');
    }
  }
  if (number && is_rss)
    out->rss_bytes = number * 1024;
  else if (number && is_peak)
    out->peak_rss_bytes = number * 1024;
}

static __attribute__((noinline)) void read_resident(snapshot_process *out) {
  status_file s = {.fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC)};
  out->rss_bytes = out->peak_rss_bytes = ARROWPOOL_UNKNOWN;
  for (int c; (c = next_byte(&s)) >= 0 &&
              (out->rss_bytes == ARROWPOOL_UNKNOWN || out->peak_rss_bytes == ARROWPOOL_UNKNOWN);)
    read_status_line(&s, c, out);
  if (s.fd >= 0)
    close(s.fd);
}

/* This is never inlined, as read_resident: what one part has on the stack is gone when the next begins. */
static __attribute__((noinline)) void read_host(snapshot_process *out) {
  struct utsname names;
  copy_text(out->host, sizeof out->host, uname(&names) ? "" : names.nodename);
}

void snapshot_read_process(bool ask_jemalloc, snapshot_process *out) {
  int saved = errno, cancel_state = nocancel_begin();
  memset(out, 0, sizeof *out);
  out->pid = syscall(SYS_getpid);
  keep_program(); /* libraries may use memory before they and we are constructed */
  memcpy(out->program, program, sizeof program);
  memcpy(out->job_name, job_name, sizeof job_name);
  read_host(out);
  out->start_time = started_at;
  out->time = clock_since_epoch();
  read_resident(out);
  out->idle_bytes = (int64_t)idle_bytes();
  int64_t limit = limits_of_all();
  out->limit_bytes = limit == LIMITS_UNLIMITED ? ARROWPOOL_UNKNOWN : limit;
  backend_jemalloc_stats s = {ARROWPOOL_UNKNOWN, ARROWPOOL_UNKNOWN, ARROWPOOL_UNKNOWN};
  if (ask_jemalloc)
    backend_jemalloc_read_stats(&s);
  out->jemalloc_active_bytes = s.active;
  out->jemalloc_resident_bytes = s.resident;
  out->jemalloc_metadata_bytes = s.metadata;
  nocancel_end(cancel_state);
  errno = saved;
}

bool snapshot_has_pools(void) {
  for (unsigned index = 0; index < POOL_COUNT; index++)
    if (pool_is_used(index))
      return true;
  return false;
}
