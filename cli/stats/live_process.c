/* Reads everything from /proc, where numbers of processes come back: the start time tells one from another of
 * the same number. */
#include "cli/stats/live_process.h"

#include "base/proc.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* Returns -1 if there is no such process, or it is dead and only its parent has not asked for its status yet.
 * A process whose first thread ended before others looks like that too, but for their number. */
static int64_t start_ticks_of(int64_t pid) {
  char path[64];
  proc_stat stat;
  snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
  if (!proc_read_stat(path, &stat))
    return -1;
  return strchr("ZX", stat.state) && stat.threads <= 1 ? -1 : stat.start_ticks;
}

static int64_t status_bytes(const char *status, const char *key) {
  long long kib;
  const char *at = strstr(status, key);
  return at && sscanf(at + strlen(key), " %lld", &kib) == 1 ? kib * 1024 : ARROWPOOL_UNKNOWN;
}

static const char *present_boot(void) {
  static char boot[40];
  if (!boot[0])
    proc_read("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
  return boot;
}

bool live_process_is_of_this_boot(const live_header *h) {
  return h->owner.boot[0] && strncmp(present_boot(), h->owner.boot, 36) == 0;
}

/* Numbers of processes are those of a PID namespace, which begins anew with each boot of a host. Of what is
 * another's nothing is told by ours; only a boot of this host that is over has no process any more. */
static stats_state look_for_process(const live_header *h) {
  static struct utsname here; /* it is the same for every file */
  struct stat own;
  const char *boot = present_boot();
  if (!here.nodename[0] && uname(&here))
    return STATS_UNKNOWN;
  bool same_name = strncmp(here.nodename, h->owner.host, sizeof h->owner.host - 1) == 0;
  if (!boot[0] || !h->owner.boot[0])
    return STATS_UNKNOWN;
  if (strncmp(boot, h->owner.boot, 36) != 0)
    return same_name ? STATS_GONE : STATS_UNKNOWN;
  bool known = h->pid_namespace && stat("/proc/self/ns/pid", &own) == 0;
  if (known ? h->pid_namespace != (uint32_t)own.st_ino : !same_name)
    return STATS_UNKNOWN;
  return start_ticks_of(h->pid) == h->start_ticks ? STATS_RUNNING : STATS_GONE;
}

stats_state live_process_state(live_header *h) {
  switch (atomic_load(&h->state)) {
  case LIVE_ENDED:
    return STATS_ENDED;
  case LIVE_REPLACED:
    return STATS_REPLACED;
  default:
    return look_for_process(h);
  }
}

void live_process_read_resident(int64_t pid, snapshot_resident *out) {
  char path[64], memory[4096] = "";
  snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
  if (pid > 0)
    proc_read(path, memory, sizeof memory);
  *out = (snapshot_resident){.now = status_bytes(memory, "VmRSS:"),
                             .most = status_bytes(memory, "VmHWM:"),
                             .anonymous = status_bytes(memory, "RssAnon:")};
}
