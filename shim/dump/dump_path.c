/* Fills in the placeholders of a dump's path, and keeps names from outside within one component. */
#include "shim/dump/dump_path.h"

#include <errno.h>
#include <string.h>

/* Appends a name from outside. Slashes and a dot at its beginning could lead elsewhere; what reads lists of
 * files stumbles over control characters. */
static void append_name(writer *w, const char *name) {
  for (const char *at = name; *at; at++) {
    bool harmless = (unsigned char)*at >= ' ' && *at != 0x7f && *at != '/' && (at > name || *at != '.');
    writer_bytes(w, harmless ? at : "_", 1);
  }
}

static void append_placeholder(writer *w, char letter, const snapshot_process *process) {
  if (letter == 'p' || letter == 't')
    writer_int(w, letter == 'p' ? process->pid : process->start_time / 1000);
  else if (letter == 'h' || letter == 'e')
    append_name(w, letter == 'h' ? process->host : process->program);
  else
    writer_text(w, "%");
}

bool dump_path_expand(char out[PATH_MAX], writer *w, const char *directory, const char *pattern,
                      const snapshot_process *process) {
  writer_kept kept = {out, PATH_MAX, 0};
  *out = 0;
  writer_init(w, writer_keep, &kept);
  if (*directory)
    writer_print(w, "%s/", directory);
  for (; *pattern; pattern++)
    if (*pattern == '%')
      append_placeholder(w, *++pattern, process);
    else
      writer_bytes(w, pattern, 1);
  bool fits = writer_finish(w);
  errno = fits ? errno : ENAMETOOLONG;
  return fits;
}
