/* Has the table of columns, and chooses among them. */
#include "cli/top/columns.h"

#include <stdio.h>
#include <string.h>

/* The kinds that follow from unit and type of a field. */
enum {
  bytes_gauge = TOP_BYTES,
  bytes_counter = TOP_BYTE_RATE,
  calls_counter = TOP_RATE,
#define X(name, unit, type, metric, help) pool_##name = unit##_##type,
  FIELDS_OF_POOL(X)
#undef X
#define X(name, unit, type, metric, help) process_##name = unit##_##type,
      FIELDS_OF_PROCESS(X)
#undef X
};

/* These stand for the last three members of a column. */
#define OTHER(kind)       TOP_##kind, NULL, NULL
#define OF_POOL(field)    (top_kind) pool_##field, &report_pool_families[REPORT_POOL_##field], NULL
#define OF_PROCESS(field) (top_kind) process_##field, NULL, &report_process_families[REPORT_PROCESS_##field]

const top_column top_columns[TOP_COLUMNS] = {
#define X(id, word, heading, width, priority, what) {TOP_COLUMN_##id, word, heading, width, priority, what},
    TOP_COLUMN_LIST(X)
#undef X
};

int top_find_column(const char *word) {
  for (int i = 0; i < TOP_COLUMNS; i++)
    if (top_columns[i].word && strcmp(top_columns[i].word, word) == 0)
      return i;
  return -1;
}

void top_list_words(char out[256]) {
  int last = top_next_sort(0, -1);
  *out = 0;
  for (int i = 0; i < TOP_COLUMNS; i++)
    if (top_columns[i].word)
      sprintf(out + strlen(out), "%s%s", i == 0 ? "" : i == last ? " or " : ", ", top_columns[i].word);
}

int top_next_sort(int column, int step) {
  do
    column = (column + step + TOP_COLUMNS) % TOP_COLUMNS;
  while (!top_columns[column].word);
  return column;
}

bool top_is_of_process(const top_column *column) {
  return column->of_process || column->id == TOP_COLUMN_PID || column->id == TOP_COLUMN_STATE ||
         column->id == TOP_COLUMN_RSS_MINUTE;
}

int top_fit_columns(int width, int least, bool *shown) {
  int left = width - least;
  memset(shown, 0, TOP_COLUMNS * sizeof *shown);
  shown[TOP_COLUMN_COMMAND] = true;
  for (int priority = 1;; priority++) {
    int i = 0;
    while (i < TOP_COLUMNS && top_columns[i].priority != priority)
      i++;
    if (i == TOP_COLUMNS || left < top_columns[i].width + 1)
      break;
    left -= top_columns[i].width + 1;
    shown[i] = true;
  }
  return left + least;
}
