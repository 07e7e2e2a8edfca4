/* A view of live files, as `arrowpool top` shows it: where they are, how often they are read, what they
 * tell. */
#ifndef ARROWPOOL_CLI_TOP_VIEW_H
#define ARROWPOOL_CLI_TOP_VIEW_H

#include "cli/top/model.h"
#include "cli/who/who.h"

enum { TOP_HELD = 5 };

typedef struct top_view {
  const char *directory;
  int64_t pid;       /* the only process to show; 0: all */
  int64_t interval;  /* milliseconds */
  bool waits;        /* the directory was never there yet */
  char problem[128]; /* why the directory could not be read the last time; "": it could */
  top_model model;
  bool shows_held;             /* the lines of Python that hold most, of the selected process */
  const char *held_problem;    /* why there are none; NULL: there are */
  who_top_line held[TOP_HELD]; /* an empty text ends them */
  const top_process *held_of;  /* whose they are; NULL: nobody's */
} top_view;

/* Reads all live files and arranges the lines. */
void top_refresh(top_view *v);

/* Reads what the selected process holds, if that is shown: after each refresh, and where another is
 * selected. */
void top_read_held(top_view *v);

/* Returns the selected process; NULL if there is none. */
const top_process *top_selected(const top_view *v);

#endif
