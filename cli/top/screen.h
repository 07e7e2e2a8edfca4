/* Shows the view on a terminal. */
#ifndef ARROWPOOL_CLI_TOP_SCREEN_H
#define ARROWPOOL_CLI_TOP_SCREEN_H

#include "cli/top/view.h"

/* Shows the view until the user ends it. Returns the exit status; a signal that ends it is passed on, after
 * the terminal was restored. */
int top_screen(top_view *v);

#endif
