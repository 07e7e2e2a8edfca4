/* What runs while the program does: dumps, the thread that writes them, what a fork must find at rest, and
 * the ordinary way out. */
#ifndef ARROWPOOL_SHIM_INSTALL_LIFE_H
#define ARROWPOOL_SHIM_INSTALL_LIFE_H

/* Begins, as the options say. It is called once, when they were read. */
void life_begin(void);

/* Does what is to be done where a process leaves by _exit: the last dump, and a note of an orderly end in the
 * files that others read. It takes no lock, and looks first whether this is still our process. */
void life_leave(void);

#endif
