/* Adds stacks up to the rows of a table. */
#ifndef ARROWPOOL_CLI_WHO_AGGREGATE_H
#define ARROWPOOL_CLI_WHO_AGGREGATE_H

#include "cli/who/model.h"

enum { WHO_LEAVES = 2 };

/* Where memory of a row was allocated in native code: the innermost function. */
typedef struct who_leaf {
  const char *name; /* NULL: there is none */
  double share;     /* of the row's bytes, 0 to 1 */
} who_leaf;

typedef struct who_row {
  const who_stack
      *stack; /* one of those that are added up here: what it has in common with the others tells */
  const who_frame *frame;  /* the user's line; by function any of its lines. NULL: there is no Python frame */
  uint32_t native, thread; /* by native and by thread; WHO_NONE: not known */
  who_amount amount;
  int64_t oldest;   /* how old the oldest live buffer was when its profile was read: milliseconds */
  uint64_t largest; /* of live buffers, bytes; 0: there are none, or they are not what is told of */
  who_leaf leaves[WHO_LEAVES];
} who_row;

/* The rows, by bytes, the largest first. Those with less than m->at_least of the whole are in `rest`, but for
 * the first m->least_rows. */
typedef struct who_table {
  who_row *rows;
  size_t count, rest_count;
  who_amount rest;
  double whole; /* bytes of all rows that have more than none: what shares are of */
} who_table;

/* Makes the table by m->by, of m->what. Only live buffers are told by thread. */
void who_aggregate(const who_model *m, who_table *out);
void who_table_free(who_table *t);

/* Writes what a row is of: "etl.py:12 load", or "(no Python frame)". Returns `out`. */
enum { WHO_LABEL_BYTES = 3 * WHO_LONGEST_TEXT };
const char *who_row_label(const who_model *m, const who_row *row, char out[WHO_LABEL_BYTES]);

/* Returns what is said behind that, such as "[by Arrow's threads, task given here]"; or "". */
const char *who_row_remark(const who_model *m, const who_row *row);

#endif
