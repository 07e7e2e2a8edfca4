/* Asks /proc. Whose a process is, everybody may see; what it has mapped, only its user and root. */
#include "cli/stats/process_truth.h"

#include "base/proc.h"
#include "base/writer.h"
#include "cli/base/cli.h"
#include "cli/stats/live_files.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool can_look_into(const char *pid) {
  char path[64], byte;
  snprintf(path, sizeof path, "/proc/%.20s/maps", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool readable = fd >= 0 && read(fd, &byte, 1) >= 0;
  if (fd >= 0)
    close(fd);
  return readable;
}

const char *process_truth_absence(const char *pid) {
  char path[64];
  proc_stat process;
  snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
  if (!proc_read_stat(path, &process))
    return "no such process";
  bool ended = strchr("ZX", process.state) && process.threads <= 1;
  return ended ? "it has ended, and its parent has not waited for it yet" : NULL;
}

const char *process_truth_of(const char *pid, char out[PROCESS_TRUTH_BYTES]) {
  char path[64];
  struct stat status;
  const char *absence = process_truth_absence(pid);
  if (absence || can_look_into(pid))
    return absence;
  snprintf(path, sizeof path, "/proc/%.20s", pid);
  bool known = stat(path, &status) == 0;
  if (!known || geteuid() == 0 || geteuid() == status.st_uid)
    return "it may not be looked into from here: that takes the right to trace it";
  const struct passwd *user = getpwuid(status.st_uid);
  char number[24];
  writer_format_int(number, status.st_uid);
  snprintf(out, PROCESS_TRUTH_BYTES,
           "it is a process of user %s, and only that user and root can look into it",
           user ? user->pw_name : number);
  return out;
}

int process_truth_tell(const char *command, const char *pid, const process_truth_kind *kind,
                       const char *directory) {
  char text[PROCESS_TRUTH_BYTES], rest[128] = "";
  const char *truth = directory ? process_truth_absence(pid) : process_truth_of(pid, text);
  if (directory)
    return cli_failure("%s: %s: no %s in %s%s%s", command, pid, kind->file, directory, truth ? "; " : "",
                       truth ? truth : "");
  if (kind->where)
    snprintf(rest, sizeof rest,
             truth ? "; if you know where its %s is, say so with %s=DIR"
                   : ", or say where its %s is with %s=DIR",
             kind->file, kind->where);
  if (truth)
    return cli_failure("%s: %s: %s%s", command, pid, truth, rest);
  return cli_failure("%s: %s: keeps no %s: start it with arrowpool run %s=DIR%s", command, pid, kind->file,
                     kind->option, rest);
}

const char *process_truth_of_file(const char *argument, const char *problem) {
  bool is_missing = strcmp(problem, strerror(ENOENT)) == 0;
  return is_missing && live_files_is_pid(argument) ? "no such file; of a process: arrowpool show PID"
                                                   : problem;
}
