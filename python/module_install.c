/* Translates between Python and arrowpool_install (module_install.h). */
#include "python/module_install.h"

#include "arrowpool.h"
#include "options/options.h"

/* The loader is asked for libraries here too. */
PyObject *module_install(PyObject *self, PyObject *words) {
  char message[640];
  const char *given = NULL;
  (void)self;
  if (words != Py_None && !(given = PyBytes_AsString(words)))
    return NULL;
  PyThreadState *thread = PyEval_SaveThread();
  arrowpool_status status = arrowpool_install(given, message, sizeof message);
  PyEval_RestoreThread(thread);
  return Py_BuildValue("is", (int)status, message);
}

PyObject *module_uninstall(PyObject *self, PyObject *unused) {
  (void)self, (void)unused;
  return PyBool_FromLong(arrowpool_uninstall() == ARROWPOOL_OK);
}

PyObject *module_finish(PyObject *self, PyObject *unused) {
  (void)self, (void)unused;
  PyThreadState *thread = PyEval_SaveThread();
  arrowpool_finish();
  PyEval_RestoreThread(thread);
  Py_RETURN_NONE;
}

/* Returns (name as a keyword has it, the values in words, what it is for, the default or None) of each. */
PyObject *module_options(PyObject *self, PyObject *unused) {
  PyObject *list = PyList_New(0);
  (void)self, (void)unused;
  for (const options_row *row = options_table; list && row < options_table + OPTION_COUNT; row++) {
    char name[OPTIONS_NAME_BYTES], choices[128];
    options_keyword(row, name);
    options_describe_values(row, choices);
    PyObject *one = Py_BuildValue("sssz", name, choices, row->help, row->preset);
    if (!one || PyList_Append(list, one) < 0)
      Py_CLEAR(list);
    Py_XDECREF(one);
  }
  return list;
}

PyObject *module_presence(PyObject *self, PyObject *unused) {
  (void)self, (void)unused;
  return PyLong_FromLong(arrowpool_get_presence());
}
