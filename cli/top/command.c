/* Shortens command lines. They are printable UTF-8, whose arguments are separated by spaces. */
#include "cli/top/command.h"

#include "base/writer.h"
#include "cli/base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *top_command_title(const top_process *p) {
  const char *title = *p->command ? p->command : p->program;
  const char *end = title + strcspn(title, " ");
  for (const char *at = title; at < end; at++)
    if (*at == '/' && at + 1 < end)
      title = at + 1;
  return title;
}

static int by_title(const void *a, const void *b) {
  return strcmp(top_command_title(*(top_process *const *)a), top_command_title(*(top_process *const *)b));
}

static size_t common(const char *a, const char *b) {
  size_t length = 0;
  while (a[length] && a[length] == b[length])
    length++;
  return a[length] || b[length] ? length : 0;
}

/* Of titles in order, the most like one that differs is next to it, or next to those that are equal. */
void top_command_compare(const top_model *m) {
  size_t count = 0;
  top_process **sorted = memory_grow(NULL, m->line_count + 1, sizeof(top_process *));
  for (size_t i = 0; i < m->line_count; i++)
    if (!m->lines[i].pool)
      sorted[count++] = m->lines[i].process;
  if (count)
    qsort(sorted, count, sizeof *sorted, by_title);
  for (size_t i = 0; i < count; i++)
    sorted[i]->shared = 0;
  for (size_t i = 1, first = 0; i < count; i++) {
    const char *title = top_command_title(sorted[i]);
    size_t length = common(top_command_title(sorted[i - 1]), title);
    if (!length && strcmp(top_command_title(sorted[i - 1]), title) == 0) {
      sorted[i]->shared = sorted[i - 1]->shared;
      continue;
    }
    for (; first < i; first++)
      sorted[first]->shared = length > sorted[first]->shared ? length : sorted[first]->shared;
    sorted[i]->shared = length;
  }
  free(sorted);
}

/* Puts `mark` in place of `size` bytes at `at`. */
static void replace(char *at, size_t size, const char *mark) {
  size_t length = strlen(mark);
  if (length > size)
    return;
  memmove(at + length, at + size, strlen(at + size) + 1);
  memcpy(at, mark, length);
}

/* Leaves out the directories of arguments, one after the other, as long as the text is too long. */
static void drop_directories(char *text, int columns, const char *mark) {
  for (char *word = strchr(text, ' '); word && writer_columns(text) > columns; word = strchr(word + 1, ' ')) {
    char *end = word + 1 + strcspn(word + 1, " "), *first = memchr(word, '/', (size_t)(end - word)),
         *last = first;
    for (char *at = first; at && at + 1 < end; at++)
      last = *at == '/' ? at : last;
    if (first && last > first)
      replace(first, (size_t)(last - first), mark);
  }
}

/* Returns the end of the text that fits into `columns` columns. */
static char *tail(char *text, int columns) {
  while (*text && writer_columns(text) > columns)
    do
      text++;
    while ((*text & 0xc0) == 0x80);
  return text;
}

void top_command_fit(const top_process *p, int columns, bool unicode, char out[COMMAND_BYTES + 8]) {
  const char *mark = unicode ? "…" : "..", *title = top_command_title(p);
  size_t length = strlen(title);
  strcpy(out, title);
  drop_directories(out, columns, mark);
  if (writer_columns(out) <= columns)
    return;
  /* Where it differs from the most similar one, counted from the end, for directories are gone before it. */
  size_t rest = length - p->shared, now = strlen(out);
  if (!p->shared || rest > now || now - rest + 1 < (size_t)columns)
    return;
  size_t kept = strcspn(out, " ");
  if (kept > (size_t)columns / 3)
    kept = 0;
  else
    kept++;
  char *end = tail(out + kept, columns - (int)kept - writer_columns(mark));
  if (end >= out + kept + strlen(mark))
    replace(out + kept, (size_t)(end - out) - kept, mark);
}
