/* What runs while the program does: dumps, the thread that writes them, what a fork must find at rest, and the
 * ordinary way out. */
#ifndef ARROWPOOL_SHIM_INSTALL_LIFE_H
#define ARROWPOOL_SHIM_INSTALL_LIFE_H

#include <stdbool.h>

/* Begins, as the options say. It is called once, when they were read. */
void life_begin(void);

/* Notes an orderly end in the files that others read, and removes those that are not to be kept. It is
 * async-signal-safe. */
void life_finish_files(bool remove);

/* Does all that is to be done at an ordinary end: the last dump as well. */
void life_finish(void);

#endif
