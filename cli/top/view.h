/* A view of live files, as `arrowpool top` shows it: where they are, how often they are read, what they
 * tell. */
#ifndef ARROWPOOL_CLI_TOP_VIEW_H
#define ARROWPOOL_CLI_TOP_VIEW_H

#include "cli/top/model.h"

typedef struct top_view {
  const char *directory;
  int64_t pid;       /* the only process to show; 0: all */
  int64_t interval;  /* milliseconds */
  char problem[128]; /* why the directory could not be read the last time; "": it could */
  top_model model;
} top_view;

/* Reads all live files and arranges the lines. */
void top_refresh(top_view *v);

#endif
