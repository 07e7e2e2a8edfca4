/* The samples of a page: a row for each set of labels, with a value for each family of metrics. Rows of the
 * same labels are added up: no series is twice on a page, whatever the files say that it is made of. */
#ifndef ARROWPOOL_CLI_SERVE_ROWS_H
#define ARROWPOOL_CLI_SERVE_ROWS_H

#include "cli/base/hash_index.h"
#include "report/report.h"

enum { SERVE_ROW_VALUES = REPORT_POOL_FAMILIES, SERVE_LABELS = 1024 };

/* Made-up files can have as many pools as they like; more rows than this are left out, and counted. */
#define SERVE_MOST_ROWS 200000

typedef struct serve_row {
  char *labels; /* they have braces, or are "" */
  int64_t values[SERVE_ROW_VALUES];
} serve_row;

typedef struct serve_rows {
  const report_family *families;
  size_t family_count;
  hash_index rows; /* serve_row, by its labels */
  int64_t left_out;
} serve_rows;

/* Adds a row. `rows` begins with all zero but the families. What is unknown of a sum is left out of it. Ends
 * the program if there is no memory. */
void serve_rows_add(serve_rows *rows, const char *labels, const int64_t *values);

/* Does the same for each row of `from`. */
void serve_rows_add_all(serve_rows *rows, const serve_rows *from);

/* Writes each family that has a value, with its head and all its samples. */
void serve_rows_write(const serve_rows *rows, writer *w);

/* Forgets everything but the families. */
void serve_rows_clear(serve_rows *rows);

#endif
