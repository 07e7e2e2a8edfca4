/* Reads small files of the kernel's, without stdio or malloc (proc.h). */
#include "base/proc.h"

#include "base/nocancel.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

size_t proc_read(const char *path, char *out, size_t size) {
  int cancel_state = nocancel_begin(), fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, out, size - 1);
  if (fd >= 0)
    close(fd);
  nocancel_end(cancel_state);
  size_t used = length > 0 ? (size_t)length : 0;
  if (used && out[used - 1] == '\n')
    used--;
  out[used] = 0;
  return used;
}

static int64_t number_at(const char *text) {
  int64_t number = 0;
  for (; *text >= '0' && *text <= '9'; text++)
    number = number * 10 + (*text - '0');
  return number;
}

bool proc_read_stat(const char *path, proc_stat *out) {
  char text[1024];
  proc_read(path, text, sizeof text);
  const char *at = strrchr(text, ')'); /* the name ends there, whatever is in it; the state is field 3 */
  if (!at || at[1] != ' ')
    return false;
  *out = (proc_stat){.state = at[2]};
  at++;
  for (int field = 4; field <= 22; field++) {
    at = strchr(at + 1, ' ');
    if (!at)
      return false;
    if (field == 4)
      out->parent = number_at(at + 1);
    else if (field == 20)
      out->threads = number_at(at + 1);
    else if (field == 22)
      out->start_ticks = number_at(at + 1);
  }
  return true;
}
