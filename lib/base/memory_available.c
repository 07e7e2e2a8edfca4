/* Reads the limits of the process's control groups. */
#include "base/memory_available.h"

#include "base/control_group.h"
#include "base/nocancel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define NONE INT64_MAX

/* Returns the number in a file; NONE if the file has a word ("max") or cannot be read. */
static int64_t memory_available_read_limit(const char *path) {
  char text[32];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  int64_t number = 0;
  if (fd >= 0)
    close(fd);
  text[length > 0 ? length : 0] = 0;
  if (*text < '0' || *text > '9')
    return NONE;
  for (const char *at = text; *at >= '0' && *at <= '9'; at++)
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *at - '0', &number))
      return NONE;
  return number;
}

static const char *const limits[] = {"memory.max", "memory.limit_in_bytes"};

static int64_t least_limit(const char *root, const char *process, control_group_version which) {
  char path[CONTROL_GROUP_PATH];
  size_t mounted;
  if (!control_group_find(root, process, which, path, &mounted))
    return NONE;
  for (int64_t least = NONE;;) {
    size_t length = strlen(path);
    int64_t limit = memory_available_read_limit(strcat(strcat(path, "/"), limits[which]));
    least = limit < least ? limit : least;
    path[length] = 0;
    if (length <= mounted)
      return least;
    *strrchr(path, '/') = 0;
  }
}

int64_t memory_available_in_group(const char *root, const char *process) {
  int saved = errno, cancel_state = nocancel_begin();
  int64_t two = least_limit(root, process, CONTROL_GROUP_TWO),
          one = least_limit(root, process, CONTROL_GROUP_ONE);
  nocancel_end(cancel_state);
  errno = saved;
  return two < one ? two : one;
}

int64_t memory_of_machine(void) {
  long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
  return pages > 0 ? (int64_t)pages * page_size : NONE;
}

int64_t memory_available(void) {
  int64_t machine = memory_of_machine(), group = memory_available_in_group("", "self");
  return group < machine ? group : machine;
}
