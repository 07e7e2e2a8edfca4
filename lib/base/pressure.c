/* Reads `total=` of the line `some` in a file of pressure. */
#include "base/pressure.h"

#include "base/nocancel.h"
#include "base/proc.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Returns the total of the time that some tasks waited (microseconds); -1 if the file does not tell. */
static int64_t read_waited(const char *path) {
  static const char line[] = "some ", field[] = " total=";
  char text[256];
  proc_read(path, text, sizeof text);
  char *end = strchr(text, '\n'), *at = strstr(text, field);
  if (strncmp(text, line, strlen(line)) != 0 || !at || (end && at > end))
    return -1;
  int64_t total = 0;
  for (at += strlen(field); *at >= '0' && *at <= '9'; at++)
    if (__builtin_mul_overflow(total, 10, &total) || __builtin_add_overflow(total, *at - '0', &total))
      return -1;
  return total;
}

/* Sets the path of the file that is to be had, if any is. */
static void find(pressure *p, const char *root) {
  size_t mount;
  if (control_group_find(root, "self", CONTROL_GROUP_TWO, p->path, &mount) &&
      read_waited(strcat(p->path, "/memory.pressure")) >= 0)
    return;
  static const char machine[] = "/proc/pressure/memory";
  *p->path = 0;
  if (strlen(root) + sizeof machine <= sizeof p->path &&
      read_waited(strcat(strcpy(p->path, root), machine)) < 0)
    *p->path = 0;
}

static bool look(pressure *p, const char *root, int64_t now) {
  if (p->process != getpid()) {
    p->process = getpid();
    p->looked_at = 0;
    find(p, root);
  }
  int64_t time = now - p->looked_at;
  if (!*p->path || (p->looked_at && time < PRESSURE_LEAST_TIME))
    return false;
  int64_t waited = read_waited(p->path), more = waited - p->waited;
  bool known = waited >= 0 && p->looked_at && more >= 0;
  p->looked_at = waited >= 0 ? now : 0;
  p->waited = waited;
  return known && more > time / 100 * PRESSURE_SHARE_PERCENT;
}

bool pressure_rose(pressure *p, const char *root, int64_t now) {
  int saved = errno, cancel_state = nocancel_begin();
  bool rose = look(p, root, now);
  nocancel_end(cancel_state);
  errno = saved;
  return rose;
}
