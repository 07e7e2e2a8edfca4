/* Draws the view on a curses screen of any size. */
#ifndef ARROWPOOL_CLI_TOP_DRAW_H
#define ARROWPOOL_CLI_TOP_DRAW_H

#include "cli/top/view.h"

typedef struct top_drawing {
  const top_view *view;
  bool unicode;
  bool help;
  const char *prompt; /* it is being typed as the filter; NULL: nothing is */
  size_t first;       /* the line at the top of the list */
  int rows;           /* those of the list, as last drawn */
} top_drawing;

/* Draws all; what the terminal has to be told is up to curses. */
void top_draw(top_drawing *d);

/* Chooses colours, if the terminal has them. It is called once, after initscr. */
void top_draw_start(void);

#endif
