/* Tells other commands of the largest lines of profiles. */
#include "base/writer.h"
#include "cli/who/aggregate.h"
#include "cli/who/who.h"

#include <stdio.h>
#include <string.h>

static void take_rows(const who_model *m, size_t n, who_top_line *out) {
  who_table t;
  who_aggregate(m, &t);
  for (size_t i = 0; i < n && i < t.count; i++) {
    char label[WHO_LABEL_BYTES];
    snprintf(out[i].text, sizeof out[i].text, "%s", who_row_label(m, &t.rows[i], label));
    writer_make_printable(out[i].text); /* a character may have been cut in two */
    out[i].by_task = *who_row_remark(m, &t.rows[i]) != 0;
    out[i].bytes = who_whole(t.rows[i].amount.bytes);
    out[i].share = t.rows[i].amount.bytes / t.whole;
  }
  who_table_free(&t);
}

size_t who_top_lines_of(char *const paths[], size_t count, size_t n, who_top_line *out) {
  who_model m = {.what = WHO_LIVE, .by = WHO_BY_LINE};
  size_t read = 0;
  memset(out, 0, n * sizeof *out);
  for (size_t i = 0; i < count; i++)
    read += who_add_file(&m, paths[i], false) == NULL;
  if (read)
    take_rows(&m, n, out);
  who_free(&m);
  return read;
}

bool who_top_lines(const char *path, size_t n, who_top_line *out) {
  char *const only[] = {(char *)(uintptr_t)path};
  return who_top_lines_of(only, 1, n, out) == 1;
}
