/* See snapshot.h. */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static int64_t started_at;

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

__attribute__((constructor(101))) void snapshot_mark_start(void) { started_at = now(); }

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

static void read_resident(snapshot_process *out) {
  char status[4096] = "";
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    ssize_t length = read(fd, status, sizeof status - 1);
    status[length > 0 ? length : 0] = 0;
    close(fd);
  }
  out->rss_bytes = status_bytes(status, "VmRSS:");
  out->peak_rss_bytes = status_bytes(status, "VmHWM:");
}

static void copy_text(char *out, size_t size, const char *text) {
  size_t length = strnlen(text, size - 1);
  memcpy(out, text, length);
  out[length] = 0;
}

void snapshot_read_process(bool ask_jemalloc, snapshot_process *out) {
  int saved = errno;
  struct utsname names;
  memset(out, 0, sizeof *out);
  out->pid = syscall(SYS_getpid);
  copy_text(out->program, sizeof out->program, program_invocation_short_name);
  copy_text(out->host, sizeof out->host, uname(&names) ? "" : names.nodename);
  out->start_time = started_at;
  out->time = now();
  read_resident(out);
  out->warm_bytes = (int64_t)slots_idle_bytes();
  out->has_jemalloc = ask_jemalloc && backend_jemalloc_read_figures(&out->jemalloc);
  errno = saved;
}

bool snapshot_next_pool(unsigned *index, snapshot_pool *out) {
  while (*index < POOL_COUNT)
    if (pool_view_at((*index)++, out))
      return true;
  return false;
}
