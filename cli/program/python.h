/* Which pyarrow a Python program would import: looked up as the interpreter does it (pyvenv.cfg, PYTHONPATH,
 * the user's and the system's site directories and their .pth files), without running it. What a program does
 * to sys.path by itself is not seen. */
#ifndef ARROWPOOL_CLI_PROGRAM_PYTHON_H
#define ARROWPOOL_CLI_PROGRAM_PYTHON_H

#include "cli/program/program.h"

typedef struct python {
  char version[16];          /* "3.11"; empty: not found out */
  char venv[PATH_MAX];       /* the virtual environment; empty: none */
  char places[32][PATH_MAX]; /* of sys.path, in order */
  size_t place_count;
  char package[PATH_MAX];   /* the directory pyarrow; empty: none found */
  char package_version[32]; /* empty: not found out */
  char extension[PATH_MAX]; /* its module that links to libarrow; empty: none */
} python;

bool python_is(const program *p);

/* `lookup`: a variable of the program's environment, or NULL; `directory`: where it is started. */
typedef const char *(*python_lookup)(void *context, const char *variable);
void python_look(const program *p, python_lookup lookup, void *context, const char *directory, python *out);

#endif
