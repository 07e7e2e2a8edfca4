/* Drawing the view on a curses screen of any size. */
#ifndef ARROWPOOL_CLI_TOP_DRAW_H
#define ARROWPOOL_CLI_TOP_DRAW_H

#include "cli/top/view.h"

typedef struct top_drawing {
  const top_view *view;
  bool unicode;
  bool help;
  const char *prompt; /* what is being typed as the filter; NULL: nothing */
  size_t first;       /* line at the top of the list */
  int rows;           /* of the list, as last drawn */
} top_drawing;

/* Draw all; what the terminal has to be told is up to curses. */
void top_draw(top_drawing *d);

/* Colours, if the terminal has them. Once, after initscr. */
void top_draw_start(void);

#endif
