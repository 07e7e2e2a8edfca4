/* Reads `oom_kill` in memory.events, memory.oom_control or /proc/vmstat. */
#include "base/memory_kills.h"

#include "base/control_group.h"
#include "base/nocancel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads on until the next line begins with `key` and a number, which it returns; -1 if none does. The file of
 * the whole machine is longer than a buffer should be. */
static int64_t number_behind(int fd, const char *key) {
  char bytes[512];
  size_t matched = 0, length = strlen(key);
  bool may_match = true; /* the line so far is what `key` begins with */
  int64_t number = -1;
  for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
    for (ssize_t i = 0; i < got; i++) {
      bool is_digit = bytes[i] >= '0' && bytes[i] <= '9';
      if (bytes[i] == '\n') {
        if (number >= 0)
          return number;
        matched = 0;
        may_match = true;
      } else if (may_match && matched < length) {
        may_match = bytes[i] == key[matched++];
      } else if (may_match && is_digit && number < INT64_MAX / 100) {
        number = (number < 0 ? 0 : number) * 10 + (bytes[i] - '0');
      }
    }
  return number;
}

static int64_t memory_kills_read(const char *path, uint64_t *inode) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool same = fd >= 0 && fstat(fd, &status) == 0 && (!*inode || *inode == status.st_ino);
  int64_t count = same ? number_behind(fd, "oom_kill ") : -1;
  if (same)
    *inode = status.st_ino;
  if (fd >= 0)
    close(fd);
  return count;
}

static bool keep(memory_kills *out, const char *path) {
  out->inode = 0;
  if (strlen(path) >= sizeof out->path || memory_kills_read(path, &out->inode) < 0)
    return false;
  strcpy(out->path, path);
  return true;
}

void memory_kills_find(const char *root, memory_kills *out) {
  static const char *const names[] = {
      [CONTROL_GROUP_ONE] = "/memory.oom_control", [CONTROL_GROUP_TWO] = "/memory.events"};
  static const control_group_version order[] = {CONTROL_GROUP_ONE, CONTROL_GROUP_TWO};
  char path[CONTROL_GROUP_PATH];
  size_t mount;
  int saved = errno, cancel_state = nocancel_begin();
  bool found = false;
  memset(out, 0, sizeof *out);
  for (size_t i = 0; i < 2 && !found; i++) /* where both are mounted, the first one has the memory */
    found =
        control_group_find(root, "self", order[i], path, &mount) && keep(out, strcat(path, names[order[i]]));
  if (!found && strlen(root) < CONTROL_GROUP_FIELD)
    keep(out, strcat(strcpy(path, root), "/proc/vmstat"));
  nocancel_end(cancel_state);
  errno = saved;
}

int64_t memory_kills_count(const memory_kills *kills) {
  uint64_t inode = kills->inode;
  int saved = errno, cancel_state = nocancel_begin();
  int64_t count = *kills->path ? memory_kills_read(kills->path, &inode) : -1;
  nocancel_end(cancel_state);
  errno = saved;
  return count;
}
