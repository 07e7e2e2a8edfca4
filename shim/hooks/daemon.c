/* Defines daemon(3) once more, step by step, with our _exit. In glibc's own the process that was started ends
 * by an _exit that is not ours, and looks as if it had been killed. It takes no lock and keeps nothing. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static int redirect_to_null(void) {
  struct stat status;
  int fd = open("/dev/null", O_RDWR);
  if (fd < 0)
    return -1;
  int error = fstat(fd, &status)                                            ? errno
              : !S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3) ? ENODEV
                                                                            : 0;
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO && !error; stream++)
    dup2(fd, stream);
  if (fd > STDERR_FILENO || error)
    close(fd);
  errno = error ? error : errno;
  return error ? -1 : 0;
}

EXPORT int daemon(int nochdir, int noclose) {
  pid_t child = fork();
  if (child < 0)
    return -1;
  if (child)
    _exit(0);
  if (setsid() < 0)
    return -1;
  if (!nochdir && chdir("/")) {
    /* nobody is told, as in glibc */
  }
  return noclose ? 0 : redirect_to_null();
}
