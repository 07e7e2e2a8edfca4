/* Writes beside the file, and renames: what was there stays until then, and if it fails. */
#include "cli/who/output.h"

#include "cli/base/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_and_close(FILE *out, who_write write, const who_model *m) {
  write(out, m);
  bool written = fflush(out) == 0 && !ferror(out);
  int error = errno;
  bool closed = fclose(out) == 0;
  errno = written ? errno : error;
  return written && closed;
}

/* What is there and is no file, such as /dev/stdout or a pipe, is written to as it is. */
static bool is_special(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static int fail(const char *path, int error) { return cli_failure("who: %s: %s", path, strerror(error)); }

static int write_beside(const char *path, who_write write, const who_model *m) {
  char temporary[PATH_MAX];
  if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
    return fail(path, ENAMETOOLONG);
  int fd = mkostemp(temporary, O_CLOEXEC);
  FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
  if (!out)
    return fail(path, errno);
  mode_t mask = umask(0);
  umask(mask);
  fchmod(fd, 0666 & ~mask);
  if (write_and_close(out, write, m) && rename(temporary, path) == 0)
    return CLI_OK;
  int error = errno;
  unlink(temporary);
  return fail(path, error);
}

int who_write_to(const char *path, who_write write, const who_model *m) {
  if (!path) {
    write(stdout, m);
    return fflush(stdout) == 0 && !ferror(stdout) ? CLI_OK : CLI_FAILURE;
  }
  if (!is_special(path))
    return write_beside(path, write, m);
  FILE *out = fopen(path, "we");
  return out && write_and_close(out, write, m) ? CLI_OK : fail(path, errno);
}
