/* The module's methods by which pyarrow's own pools are served (arrowpool_install). */
#ifndef ARROWPOOL_PYTHON_MODULE_INSTALL_H
#define ARROWPOOL_PYTHON_MODULE_INSTALL_H

#include "python/limited_api.h"

PyObject *module_install(PyObject *self, PyObject *words);
PyObject *module_uninstall(PyObject *self, PyObject *unused);
PyObject *module_finish(PyObject *self, PyObject *unused);
PyObject *module_options(PyObject *self, PyObject *unused);
PyObject *module_presence(PyObject *self, PyObject *unused);

#endif
