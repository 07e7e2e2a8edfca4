/* Python's limited API, where a build has it, and the functions of the module that serve Arrow's pools
 * without a preload: arrowpool.install() and what belongs to it. */
#ifndef ARROWPOOL_PYTHON_MODULE_H
#define ARROWPOOL_PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <pyconfig.h>
#ifndef Py_GIL_DISABLED
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>

PyObject *module_install(PyObject *self, PyObject *words);
PyObject *module_uninstall(PyObject *self, PyObject *unused);
PyObject *module_finish(PyObject *self, PyObject *unused);
PyObject *module_presence(PyObject *self, PyObject *unused);

/* Returns (name as a keyword has it, the values in words, what it is for, the default or None) of each
 * option. */
PyObject *module_options(PyObject *self, PyObject *unused);

#endif
