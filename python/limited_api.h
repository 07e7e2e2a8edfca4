/* Python's headers, for its limited API: one file of the module serves 3.9 and newer. For builds without a
 * GIL, which have no such API, it is compiled apart. It comes before all others. */
#ifndef ARROWPOOL_PYTHON_LIMITED_API_H
#define ARROWPOOL_PYTHON_LIMITED_API_H

#define PY_SSIZE_T_CLEAN
#include <pyconfig.h>
#ifndef Py_GIL_DISABLED
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>

#endif
