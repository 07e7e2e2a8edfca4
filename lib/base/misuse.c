/* Composes the line on a misuse, writes it, and ends the program. */
#include "base/misuse.h"

#include "base/writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "arrowpool: "

void (*misuse_tell)(const char *line);

typedef struct line {
  char text[256];
  size_t used;
} line;

static int misuse_keep(void *context, const char *text, size_t size) {
  line *l = context;
  size_t room = sizeof l->text - 2 - l->used; /* leaves room for the end of the line and the NUL */
  size = size < room ? size : room;
  memcpy(l->text + l->used, text, size);
  l->used += size;
  return 0;
}

static _Noreturn void misuse_say(line *l) {
  if (misuse_tell) {
    l->text[l->used] = 0;
    misuse_tell(l->text + strlen(PREFIX));
  } else {
    l->text[l->used++] = '\n';
    if (write(STDERR_FILENO, l->text, l->used) < 0) {
      /* there is nobody to tell */
    }
  }
  abort();
}

_Noreturn void misuse_end(const void *address) {
  line l = {.used = 0};
  writer w;
  writer_init(&w, misuse_keep, &l);
  writer_text(&w, PREFIX "free or reallocation of ");
  writer_address(&w, address);
  writer_text(&w, ": not the start of a live buffer");
  writer_finish(&w);
  misuse_say(&l);
}

void misuse_end_saying(const char *what) {
  line l = {.used = 0};
  misuse_keep(&l, PREFIX, strlen(PREFIX));
  misuse_keep(&l, what, strlen(what));
  misuse_say(&l);
}
