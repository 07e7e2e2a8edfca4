/* Fills in the placeholders of a dump's path, and keeps names from outside within one component. */
#include "shim/dump/dump_path.h"

#include "base/writer.h"

#include <errno.h>
#include <string.h>

typedef struct path {
  char *text;
  size_t length;
  bool cut;
} path;

static void dump_path_append(path *p, const char *text, size_t length) {
  size_t room = PATH_MAX - 1 - p->length;
  p->cut |= length > room;
  length = length < room ? length : room;
  memcpy(p->text + p->length, text, length);
  p->length += length;
  p->text[p->length] = 0;
}

static void append_text(path *p, const char *text) { dump_path_append(p, text, strlen(text)); }

static void append_number(path *p, int64_t number) {
  char text[24];
  size_t length = writer_format_int(text, number);
  dump_path_append(p, text, length);
}

/* Appends a name from outside. Slashes and a dot at its beginning could lead elsewhere; what reads lists of
 * files stumbles over control characters. */
static void append_name(path *p, const char *name) {
  for (const char *at = name; *at; at++) {
    bool harmless = (unsigned char)*at >= ' ' && *at != 0x7f && *at != '/' && (at > name || *at != '.');
    dump_path_append(p, harmless ? at : "_", 1);
  }
}

static void append_placeholder(path *p, char letter, const snapshot_process *process) {
  switch (letter) {
  case 'p':
    append_number(p, process->pid);
    break;
  case 'h':
    append_name(p, process->host);
    break;
  case 'e':
    append_name(p, process->program);
    break;
  case 't':
    append_number(p, process->start_time / 1000);
    break;
  default:
    append_text(p, "%");
  }
}

bool dump_path_expand(char out[PATH_MAX], const char *directory, const char *pattern,
                      const snapshot_process *process) {
  path p = {.text = out};
  *out = 0;
  if (*directory) {
    append_text(&p, directory);
    append_text(&p, "/");
  }
  for (; *pattern; pattern++)
    if (*pattern == '%')
      append_placeholder(&p, *++pattern, process);
    else
      dump_path_append(&p, pattern, 1);
  if (p.cut)
    errno = ENAMETOOLONG;
  return !p.cut;
}
