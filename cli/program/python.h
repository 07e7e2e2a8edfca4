/* Finds which pyarrow a Python program would import, as its own interpreter says it: the interpreter is
 * started with the flags, the environment and the directory of the program, and looks for pyarrow without
 * importing it. What a program does to sys.path by itself is not seen. */
#ifndef ARROWPOOL_CLI_PROGRAM_PYTHON_H
#define ARROWPOOL_CLI_PROGRAM_PYTHON_H

#include "cli/program/program.h"

typedef struct python {
  char version[32];        /* "3.11.2" */
  char long_version[128];  /* sys.version, what Py_GetVersion returns; it may be cut off */
  char implementation[32]; /* "cpython", "pypy" */
  char prefix[PATH_MAX];   /* sys.prefix */
  bool is_venv;            /* the prefix is that of a virtual environment */
  char places[4096]; /* the directories of sys.path, in order, with ", " between them; it may be cut off */
  char sites[16384]; /* those of them that packages are installed in, a line each; it may be cut off */
  char package[PATH_MAX]; /* the directory pyarrow; empty: none was found */
  char package_version[64];
  char extension[PATH_MAX]; /* its module that links to libarrow; empty: there is none */
  char failure[300];        /* what looking for it failed with; empty: it did not */
  char asked[8192];         /* what was run; empty: nothing */
  char problem[4096];       /* why nothing is known, as "did not answer within 5 s"; empty: it is */
} python;

/* Returns whether the program is Python, or has Python in it. */
bool python_is(const program *p);

/* Asks it, in that environment, without the shim in LD_PRELOAD, and in that directory. Returns false if
 * nothing is known; `problem` says why. */
bool python_ask(const program *p, char *const environment[], const char *directory, python *out);

/* Finds the answer in what it printed, which is cut into lines. Returns false if it is not there. */
bool python_read(char *text, python *out);

#endif
