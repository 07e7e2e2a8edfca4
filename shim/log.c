/* See log.h. The line goes out in one call, so that lines of several processes do not mix. */
#include "log.h"

#include "calm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static size_t append(char *line, size_t used, size_t size, const char *text) {
  size_t length = strnlen(text, size - used);
  memcpy(line + used, text, length);
  return used + length;
}

void log_line(const char *const pieces[], size_t count) {
  char line[512];
  int saved = errno;
  size_t used = append(line, 0, sizeof line - 1, "arrowpool: ");
  for (size_t i = 0; i < count; i++)
    used = append(line, used, sizeof line - 1, pieces[i]);
  line[used++] = '\n';
  calm c;
  calm_begin(&c);
  if (write(STDERR_FILENO, line, used) < 0) {
    /* nobody to tell */
  }
  calm_end(&c);
  errno = saved;
}
