/* Composes the line on a misuse, writes it, and ends the program. */
#include "base/misuse.h"

#include "base/writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "arrowpool: "

void (*misuse_tell)(const char *line);

enum { LINE_BYTES = 256 };

static _Noreturn void misuse_say(writer_kept *line) {
  if (misuse_tell) {
    misuse_tell(line->text + strlen(PREFIX));
  } else {
    line->text[line->used++] = '\n';
    if (write(STDERR_FILENO, line->text, line->used) < 0) {
      /* there is nobody to tell */
    }
  }
  abort();
}

_Noreturn void misuse_end(const void *address) {
  char text[LINE_BYTES];
  writer_kept line = {text, sizeof text - 1, 0}; /* one byte is for the end of the line */
  writer w;
  writer_init(&w, writer_keep, &line);
  writer_print(&w, PREFIX "free or reallocation of %p: not the start of a live buffer", address);
  writer_finish(&w);
  misuse_say(&line);
}

void misuse_end_saying(const char *what) {
  char text[LINE_BYTES];
  writer_kept line = {text, sizeof text - 1, 0};
  writer_keep(&line, PREFIX, strlen(PREFIX));
  writer_keep(&line, what, strlen(what));
  misuse_say(&line);
}
