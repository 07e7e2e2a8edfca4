/* What the parts of `arrowpool top` share: where the files are, how often they are read, and who shows them.
 */
#ifndef ARROWPOOL_CLI_TOP_TOP_H
#define ARROWPOOL_CLI_TOP_TOP_H

#include "cli/top/cells.h"

/* Intervals, milliseconds. */
#define TOP_SHORTEST 100
#define TOP_LONGEST  3600000

typedef struct top_view {
  const char *directory;
  int64_t pid; /* the only process to show; 0: all */
  int64_t interval;
  char problem[128]; /* why the directory could not be read the last time; "": it could */
  top_model model;
} top_view;

/* Read all live files and arrange the lines. False: no memory. */
bool top_refresh(top_view *v);

/* Show the view on the terminal until the user ends it. The exit status; a signal that ends it is passed on,
 * after the terminal was restored. */
int top_screen(top_view *v);

#endif
