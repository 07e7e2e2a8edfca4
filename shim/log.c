/* Writes lines to stderr. A line goes out in one call, so that lines of several processes do not mix. */
#include "shim/log.h"

#include "base/sigpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Appends a piece. What comes from outside may hold newlines, and what terminals obey. */
static size_t log_append(char *line, size_t used, size_t size, const char *text) {
  for (; *text && used < size; text++)
    line[used++] = (char)((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
  return used;
}

static struct stat at_start; /* of descriptor 2; st_mode 0: it was closed */

void log_start(void) {
  int saved = errno;
  if (fstat(STDERR_FILENO, &at_start))
    at_start.st_mode = 0;
  errno = saved;
}

/* Returns whether the file is a log: what is appended to is one, and data of the program's own would not
 * survive that either. */
static bool is_log(const struct stat *file) {
  int flags = fcntl(STDERR_FILENO, F_GETFL);
  return S_ISCHR(file->st_mode) || (S_ISREG(file->st_mode) && flags >= 0 && flags & O_APPEND);
}

bool log_has_stderr(void) {
  int saved = errno;
  struct stat now;
  bool open = fstat(STDERR_FILENO, &now) == 0,
       same = open && at_start.st_mode && now.st_dev == at_start.st_dev && now.st_ino == at_start.st_ino,
       ours = same || (open && is_log(&now));
  errno = saved;
  return ours;
}

void log_whole(const char *line, size_t size) {
  int saved = errno;
  sigpipe_state c;
  if (!log_has_stderr())
    return;
  sigpipe_begin(&c);
  if (write(STDERR_FILENO, line, size) < 0) {
    /* there is nobody to tell */
  }
  sigpipe_end(&c);
  errno = saved;
}

void log_line(const char *const pieces[], size_t count) {
  char line[512];
  size_t used = log_append(line, 0, sizeof line - 1, "arrowpool: ");
  for (size_t i = 0; i < count; i++)
    used = log_append(line, used, sizeof line - 1, pieces[i]);
  line[used++] = '\n';
  log_whole(line, used);
}
