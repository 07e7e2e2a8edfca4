/* Finds what a path leads to without opening it, and then opens that through /proc, which cannot lead
 * anywhere else in between. */
#include "cli/base/open_regular.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char open_regular_directory[] = "it is a directory";

int open_regular(const char *path, struct stat *status, const char **problem) {
  char found[64];
  struct stat own = {0};
  const char *unused = NULL;
  int fd = -1, handle = open(path, O_PATH | O_CLOEXEC);
  status = status ? status : &own;
  problem = problem ? problem : &unused;
  *problem = NULL;
  if (handle >= 0 && fstat(handle, status) == 0) {
    if (!S_ISREG(status->st_mode))
      *problem = S_ISDIR(status->st_mode) ? open_regular_directory : "it is no file";
    snprintf(found, sizeof found, "/proc/self/fd/%d", handle);
    fd = *problem ? -1 : open(found, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && !*problem && access("/proc/self/fd", F_OK)) /* there is no /proc here */
      fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  }
  if (fd < 0 && !*problem)
    *problem = strerror(errno);
  if (handle >= 0)
    close(handle);
  return fd;
}

FILE *open_regular_stream(const char *path) {
  int fd = open_regular(path, NULL, NULL);
  FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");
  if (fd >= 0 && !stream)
    close(fd);
  return stream;
}
