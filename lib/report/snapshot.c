/* Reads what is known of the process, from the kernel and from the library. */
#include "report/snapshot.h"

#include "base/clock.h"
#include "base/memory_available.h"
#include "base/nocancel.h"
#include "base/presence.h"
#include "base/process_file.h"
#include "memory/idle.h"
#include "pool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int64_t started_at;

static char job_name[JOB_NAME_BYTES];

void snapshot_set_job_name(const char *name) {
  size_t length = strnlen(name, sizeof job_name - 1);
  memcpy(job_name, name, length);
  job_name[length] = 0;
}

__attribute__((constructor(101))) void snapshot_mark_start(void) { started_at = clock_since_epoch(); }

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

enum { STATUS_KEYS = 3 };

/* Reads a line that begins with `c`. If its key is one we know, its number of KiB is stored in bytes; the
 * next byte is behind the line. Returns whether it was. */
static bool read_status_line(status_file *s, int c, int64_t *const numbers[STATUS_KEYS]) {
  static const char keys[STATUS_KEYS][sizeof "RssAnon:"] = {"VmRSS:", "VmHWM:", "RssAnon:"};
  bool may_be[STATUS_KEYS] = {true, true, true};
  int64_t number = 0;
  int which = -1;
  for (size_t i = 0; c >= 0 && c != '\n'; c = next_byte(s), i++) {
    for (int k = 0; k < STATUS_KEYS && which < 0; k++) {
      may_be[k] = may_be[k] && c == keys[k][i];
      which = may_be[k] && !keys[k][i + 1] ? k : -1;
    }
    if (which >= 0 && c >= '0' && c <= '9')
      number = number * 10 + (c - '0');
  }
  if (which >= 0)
    *numbers[which] = number * 1024;
  return which >= 0;
}

/* This is never inlined: what it has on the stack is gone when the next part begins. */
__attribute__((noinline)) void snapshot_read_resident(snapshot_resident *out) {
  status_file s = {.fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC)};
  int64_t *const numbers[STATUS_KEYS] = {&out->now, &out->most, &out->anonymous};
  *out = (snapshot_resident){ARROWPOOL_UNKNOWN, ARROWPOOL_UNKNOWN, ARROWPOOL_UNKNOWN};
  for (int c, left = STATUS_KEYS; left && (c = next_byte(&s)) >= 0;)
    left -= read_status_line(&s, c, numbers);
  if (s.fd >= 0)
    close(s.fd);
}

/* ---- control groups ---- */

static int64_t group_limit = ARROWPOOL_UNKNOWN;
static memory_kills kills;

void snapshot_find_groups(void) {
  int64_t most = memory_available_in_group("", "self");
  group_limit = most < memory_of_machine() ? most : ARROWPOOL_UNKNOWN; /* what exceeds that limits nothing */
  memory_kills_find("", &kills);
}

const memory_kills *snapshot_kills(void) { return &kills; }

void snapshot_read_process(bool ask_jemalloc, snapshot_process *out) {
  int saved = errno, cancel_state = nocancel_begin();
  memset(out, 0, sizeof *out);
  out->pid = syscall(SYS_getpid);
  strcpy(out->program, process_file_program());
  memcpy(out->job_name, job_name, sizeof job_name);
  process_file_host(out->host);
  out->presence = atomic_load(&presence_now);
  out->start_time = started_at;
  out->time = clock_since_epoch();
  snapshot_resident resident;
  snapshot_read_resident(&resident);
  out->rss_bytes = resident.now;
  out->peak_rss_bytes = resident.most;
  out->idle_bytes = snapshot_idle((int64_t)idle_bytes(), &resident);
  out->group_limit_bytes = group_limit;
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
