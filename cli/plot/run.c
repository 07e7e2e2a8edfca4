/* Writes pictures to files: pages itself, others by gnuplot, which draws the time series. It gets its
 * commands and data through a pipe and writes to a file that is opened here, so that no name of a file is
 * ever interpreted. The picture takes its place by a rename, when it is whole. */
#include "cli/base/cli.h"
#include "cli/plot/series.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Starts gnuplot, which reads from a pipe and writes to `picture`. Returns an errno; `out` is the pipe's end,
 * or NULL if there is none. */
static int start_gnuplot(int picture, pid_t *pid, FILE **out) {
  static char *const arguments[] = {"gnuplot", "--default-settings", "-", NULL};
  int ends[2];
  posix_spawn_file_actions_t actions;
  if (pipe2(ends, O_CLOEXEC))
    return errno;
  *out = fdopen(ends[1], "w");
  if (!*out) {
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    return error;
  }
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, picture, STDOUT_FILENO);
  int error = posix_spawnp(pid, arguments[0], &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[0]);
  if (error) {
    fclose(*out);
    *out = NULL;
  }
  return error;
}

static int run_gnuplot(const series_set *set, const char *title, series_size size, const char *output,
                       int picture) {
  pid_t pid;
  FILE *commands = NULL;
  int status, error = start_gnuplot(picture, &pid, &commands);
  if (!commands)
    return cli_failure(error == ENOENT
                           ? "plot: gnuplot is not installed (on Debian: apt-get install gnuplot-nox)"
                           : "plot: gnuplot: %s",
                       strerror(error));
  signal(SIGPIPE, SIG_IGN); /* gnuplot may give up first; its status tells */
  series_write_commands(set, title, strcmp(strrchr(output, '.'), ".png") == 0, size, commands);
  bool written = fclose(commands) == 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return cli_failure("plot: gnuplot: %s", strerror(errno));
  return written && status == 0 ? CLI_OK : cli_failure("plot: %s: gnuplot could not draw it", output);
}

static int write_page(const series_set *set, const char *title, const char *output, int picture) {
  int own = fcntl(picture, F_DUPFD_CLOEXEC, 0);
  FILE *page = own < 0 ? NULL : fdopen(own, "w");
  if (!page)
    return cli_failure("plot: %s: %s", output, strerror(errno));
  series_write_page(set, title, page);
  bool written = !ferror(page);
  return fclose(page) == 0 && written ? CLI_OK : cli_failure("plot: %s: %s", output, strerror(errno));
}

int series_draw(const series_set *set, const char *title, series_size size, const char *output) {
  char temporary[PATH_MAX];
  if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", output) >= (int)sizeof temporary)
    return cli_failure("plot: %s: %s", output, strerror(ENAMETOOLONG));
  int picture = mkostemp(temporary, O_CLOEXEC);
  if (picture < 0)
    return cli_failure("plot: %s: %s", output, strerror(errno));
  mode_t mask = umask(0);
  umask(mask);
  fchmod(picture, 0666 & ~mask);
  bool is_page = strcmp(strrchr(output, '.'), ".html") == 0;
  int status =
      is_page ? write_page(set, title, output, picture) : run_gnuplot(set, title, size, output, picture);
  if (close(picture) && status == CLI_OK)
    status = cli_failure("plot: %s: %s", output, strerror(errno));
  if (status == CLI_OK && rename(temporary, output))
    status = cli_failure("plot: %s: %s", output, strerror(errno));
  if (status != CLI_OK)
    unlink(temporary);
  return status;
}
