/* Watches for the end of the program's interpreter, of which counters.h says why. */
#ifndef ARROWPOOL_REPORT_INTERPRETER_H
#define ARROWPOOL_REPORT_INTERPRETER_H

/* Begins to, where somebody will ask. It is called once, at the start, and takes the loader's lock. */
void interpreter_watch(void);

/* Looks for the interpreter again, where there was none: somebody has loaded a library. It takes the loader's
 * lock, and does nothing where nobody watches. */
void interpreter_look(void);

#endif
