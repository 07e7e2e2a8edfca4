/* The Python module arrowpool._library has what the package arrowpool needs of C, and nothing a user calls.
 * The package checks arguments that users give, and holds its lock where anything static here changes. */
#include "python/limited_api.h"

#include "counters/fields.h"
#include "options/options.h"
#include "python/arrow_pool.h"
#include "python/module_install.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HANDLE "arrowpool.pool" /* a capsule of an arrowpool_pool */

static PyObject *(*box)(void *object);
static Py_ssize_t pointer_offset; /* where pyarrow's MemoryPool keeps the C++ object (bytes) */

static void *read_pointer(PyObject *instance, Py_ssize_t offset) {
  void *pointer;
  memcpy(&pointer, (char *)instance + offset, sizeof pointer);
  return pointer;
}

/* ---- pyarrow ---- */

/* Finds the one word in which an instance with a C++ object differs from one without, by boxing an address
 * that is none. Returns its place; -1 if there is no such word, or an exception. */
static Py_ssize_t find_pointer(PyObject *type) {
  static char address;
  Py_ssize_t found = -1;
  PyObject *size = PyObject_GetAttrString(type, "__basicsize__");
  PyObject *with = size ? box(&address) : NULL;
  PyObject *without = with ? PyObject_CallMethod(type, "__new__", "O", type) : NULL;
  Py_ssize_t end = without ? PyLong_AsSsize_t(size) - (Py_ssize_t)sizeof(void *) : -1;
  for (Py_ssize_t offset = 0; offset <= end; offset += (Py_ssize_t)sizeof(void *))
    if (read_pointer(with, offset) == &address)
      found = found < 0 && !read_pointer(without, offset) ? offset : end + 1;
  Py_XDECREF(size);
  Py_XDECREF(with);
  Py_XDECREF(without);
  return found > end ? -1 : found; /* there are two words, or one that is never empty */
}

static PyObject *module_prepare(PyObject *self, PyObject *arguments) {
  const char *path;
  PyObject *capsule, *type;
  (void)self;
  if (!PyArg_ParseTuple(arguments, "sOO", &path, &capsule, &type))
    return NULL;
  *(void **)&box = PyCapsule_GetPointer(capsule, "PyObject *( arrow::MemoryPool *)");
  if (!box)
    return NULL;
  const char *reason = arrow_pool_prepare(path);
  if (!reason && (pointer_offset = find_pointer(type)) < 0)
    reason = "its MemoryPool keeps no pointer where one can be found";
  if (PyErr_Occurred())
    return NULL;
  if (reason)
    return PyUnicode_FromString(reason);
  Py_RETURN_NONE;
}

/* ---- pools ---- */

static PyObject *module_refuse(const char *name, arrowpool_status status) {
  if (status == ARROWPOOL_EXISTS)
    return PyErr_Format(PyExc_ValueError,
                        "pool name: '%s' belongs to a pool that other code of this process made", name);
  if (status == ARROWPOOL_OUT_OF_MEMORY)
    return PyErr_Format(PyExc_MemoryError, "pool '%s': too many pools live in this process", name);
  return PyErr_Format(PyExc_ValueError, "pool '%s': %s", name, arrowpool_status_message(status));
}

static PyObject *module_create(PyObject *self, PyObject *arguments) {
  PyObject *instance;
  const char *name, *word;
  long long limit;
  options_value choice;
  arrowpool_pool *pool;
  (void)self;
  if (!PyArg_ParseTuple(arguments, "OsLs", &instance, &name, &limit, &word))
    return NULL;
  if (!options_parse(&options_table[OPTION_POOL], word, &choice))
    return PyErr_Format(PyExc_ValueError, "backend: '%s': choose jemalloc or system", word);
  bool system = choice.number == OPTIONS_POOL_SYSTEM;
  arrowpool_config config = {.struct_size = sizeof config,
                             .backend = system ? ARROWPOOL_BACKEND_SYSTEM : ARROWPOOL_BACKEND_JEMALLOC,
                             .limit_bytes = limit};
  arrowpool_status status = arrowpool_create(name, &config, &pool);
  if (status != ARROWPOOL_OK)
    return module_refuse(name, status);
  arrow_pool *object = arrow_pool_create(pool, system ? "system" : "jemalloc");
  PyObject *handle = object ? PyCapsule_New(pool, HANDLE, NULL) : PyErr_NoMemory();
  if (handle)
    memcpy((char *)instance + pointer_offset, &object, sizeof object);
  else
    arrowpool_destroy(pool);
  return handle;
}

static PyObject *set_limit(PyObject *self, PyObject *arguments) {
  PyObject *handle;
  long long limit;
  (void)self;
  if (!PyArg_ParseTuple(arguments, "OL", &handle, &limit))
    return NULL;
  arrowpool_pool *pool = PyCapsule_GetPointer(handle, HANDLE);
  if (!pool)
    return NULL;
  PyThreadState *thread = PyEval_SaveThread();
  arrowpool_status status = arrowpool_set_limit(pool, limit);
  PyEval_RestoreThread(thread);
  if (status != ARROWPOOL_OK)
    return module_refuse(arrowpool_name(pool), status);
  Py_RETURN_NONE;
}

static PyObject *release_unused(PyObject *self, PyObject *handle) {
  arrowpool_pool *pool = PyCapsule_GetPointer(handle, HANDLE);
  (void)self;
  if (!pool)
    return NULL;
  PyThreadState *thread = PyEval_SaveThread();
  arrowpool_release_unused(pool);
  PyEval_RestoreThread(thread);
  Py_RETURN_NONE;
}

/* ---- figures, under the names of the json report ---- */

static bool put(PyObject *dict, const char *name, PyObject *value) {
  bool done = value && PyDict_SetItemString(dict, name, value) == 0;
  Py_XDECREF(value);
  return done;
}

static PyObject *number_or_none(int64_t number) {
  if (number == ARROWPOOL_UNKNOWN)
    Py_RETURN_NONE;
  return PyLong_FromLongLong(number);
}

/* Returns {bytes from which on: count}, without what is empty. */
static PyObject *histogram(const int64_t *buckets) {
  PyObject *dict = PyDict_New();
  for (int i = 0; dict && i < ARROWPOOL_HISTOGRAM_BUCKETS; i++) {
    PyObject *key = buckets[i] ? PyLong_FromLongLong(INT64_C(1) << i) : NULL;
    PyObject *count = key ? PyLong_FromLongLong(buckets[i]) : NULL;
    if (buckets[i] && (!count || PyDict_SetItem(dict, key, count) < 0))
      Py_CLEAR(dict);
    Py_XDECREF(key);
    Py_XDECREF(count);
  }
  return dict;
}

static PyObject *stats(PyObject *self, PyObject *handle) {
  arrowpool_pool *pool = PyCapsule_GetPointer(handle, HANDLE);
  arrowpool_stats s = {.struct_size = sizeof s};
  (void)self;
  if (!pool)
    return NULL;
  arrowpool_get_stats(pool, &s);
  PyObject *dict = PyDict_New();
  bool done = dict && put(dict, "name", PyUnicode_FromString(arrowpool_name(pool)));
#define X(name, unit, type, metric, help) done = done && put(dict, #name, number_or_none(s.name));
  FIELDS_OF_POOL(X)
#undef X
  done = done && put(dict, "size_histogram", histogram(s.size_histogram)) &&
         put(dict, "live_histogram", histogram(s.live_histogram));
  if (!done)
    Py_CLEAR(dict);
  return dict;
}

typedef struct text {
  char *start;
  size_t length, room;
} text;

static int module_append(void *context, const char *piece, size_t size) {
  text *t = context;
  if (t->room - t->length < size) {
    size_t room = 2 * (t->length + size);
    char *larger = realloc(t->start, room);
    if (!larger)
      return -1;
    t->start = larger;
    t->room = room;
  }
  memcpy(t->start + t->length, piece, size);
  t->length += size;
  return 0;
}

static PyObject *report(PyObject *self, PyObject *arguments) {
  int format;
  text t = {NULL, 0, 0};
  (void)self;
  if (!PyArg_ParseTuple(arguments, "i", &format))
    return NULL;
  PyThreadState *thread = PyEval_SaveThread();
  arrowpool_status status = arrowpool_report((arrowpool_format)format, module_append, &t);
  PyEval_RestoreThread(thread);
  PyObject *result = status == ARROWPOOL_OK ? PyUnicode_DecodeUTF8(t.start, (Py_ssize_t)t.length, "replace")
                                            : PyErr_NoMemory();
  free(t.start);
  return result;
}

/* ---- arguments, as options of the shim have them ---- */

/* Parses an argument as the option's value. Returns false with an exception if it is none. */
static bool module_parse(PyObject *arguments, const char *name, const options_row *row, options_value *out) {
  const char *given;
  if (!PyArg_ParseTuple(arguments, "s", &given))
    return false;
  bool parsed = options_parse(row, given, out);
  if (!parsed)
    PyErr_Format(PyExc_ValueError, "%s: '%s': %schoose %s", name, given, options_reason(row, given),
                 row->values);
  return parsed;
}

/* Returns a size in bytes; a percentage is of what this process may use. */
static PyObject *parse_limit(PyObject *self, PyObject *arguments) {
  options_value value;
  (void)self;
  if (!module_parse(arguments, "limit", &options_table[OPTION_LIMIT], &value))
    return NULL;
  return PyLong_FromLongLong(value.number < 0 ? arrowpool_available_memory() / 100 * -value.number
                                              : value.number);
}

static PyObject *parse_mean(PyObject *self, PyObject *arguments) {
  options_value value;
  (void)self;
  if (!module_parse(arguments, "mean", &options_table[OPTION_PROFILE_MEAN], &value))
    return NULL;
  return PyLong_FromLongLong(value.number);
}

/* ---- the process ---- */

static PyObject *take_peak(PyObject *self, PyObject *arguments) {
  int watch;
  (void)self;
  if (!PyArg_ParseTuple(arguments, "p", &watch))
    return NULL;
  return number_or_none(arrowpool_take_peak(watch));
}

/* All that the library and the C library keep for later. */
static PyObject *release_all_unused(PyObject *self, PyObject *unused) {
  (void)self, (void)unused;
  PyThreadState *thread = PyEval_SaveThread();
  arrowpool_release_unused(arrowpool_jemalloc());
  arrowpool_release_unused(arrowpool_system());
  PyEval_RestoreThread(thread);
  Py_RETURN_NONE;
}

static PyObject *profile_directory(PyObject *self, PyObject *unused) {
  const char *directory = arrowpool_profile_directory();
  (void)self, (void)unused;
  if (!directory)
    Py_RETURN_NONE;
  return PyUnicode_DecodeFSDefault(directory);
}

/* The loader is asked for libraries, and another thread may have its lock and wait for the interpreter's. */
static PyObject *start_profile(PyObject *self, PyObject *arguments) {
  PyObject *directory;
  long long mean;
  int keep;
  (void)self;
  if (!PyArg_ParseTuple(arguments, "O&Lp", PyUnicode_FSConverter, &directory, &mean, &keep))
    return NULL;
  arrowpool_profile_config config = {.struct_size = sizeof config, .mean_bytes = mean, .keep = keep};
  const char *path = PyBytes_AsString(directory);
  PyThreadState *thread = PyEval_SaveThread();
  arrowpool_status status = arrowpool_start_profile(path, &config);
  PyEval_RestoreThread(thread);
  Py_DECREF(directory);
  return PyBool_FromLong(status == ARROWPOOL_OK);
}

static PyObject *available_memory(PyObject *self, PyObject *unused) {
  (void)self, (void)unused;
  return PyLong_FromLongLong(arrowpool_available_memory());
}

/* Empties a dict that only its frame and the caller have: frame.f_locals, which before Python 3.13 stays with
 * the frame and would keep alive what its variables held. Nobody can come to have it between the question and
 * the act. */
static PyObject *clear_unshared(PyObject *self, PyObject *dict) {
  (void)self;
  /* The frame's reference, that of the caller's variable, and that of this call. */
  if (PyDict_CheckExact(dict) && Py_REFCNT(dict) <= 3)
    PyDict_Clear(dict);
  Py_RETURN_NONE;
}

/* Returns the version that this module was made with, that of the library that runs, and its file. */
static PyObject *versions(PyObject *self, PyObject *unused) {
  Dl_info info = {0};
  const char *(*running)(void) = arrowpool_version;
  (void)self, (void)unused;
  dladdr((void *)running, &info);
  return Py_BuildValue("sss", ARROWPOOL_VERSION, arrowpool_version(), info.dli_fname);
}

static PyMethodDef methods[] = {
    {"prepare", module_prepare, METH_VARARGS,
     "prepare(path of pyarrow.lib, its capsule box_memory_pool, its MemoryPool) -> why not, or None"},
    {"create", module_create, METH_VARARGS,
     "create(new instance, name, limit in bytes or 0, backend) -> handle"},
    {"set_limit", set_limit, METH_VARARGS, "set_limit(handle, bytes or 0)"},
    {"release_unused", release_unused, METH_O, "release_unused(handle)"},
    {"stats", stats, METH_O, "stats(handle) -> dict"},
    {"report", report, METH_VARARGS, "report(number of the format) -> str"},
    {"parse_limit", parse_limit, METH_VARARGS, "parse_limit(text) -> bytes"},
    {"parse_mean", parse_mean, METH_VARARGS, "parse_mean(text) -> bytes"},
    {"profile_directory", profile_directory, METH_NOARGS, "profile_directory() -> str, or None"},
    {"start_profile", start_profile, METH_VARARGS,
     "start_profile(directory, mean in bytes, keep) -> whether it began"},
    {"take_peak", take_peak, METH_VARARGS, "take_peak(whether to watch on) -> bytes, or None"},
    {"release_all_unused", release_all_unused, METH_NOARGS, "release_all_unused()"},
    {"install", module_install, METH_O,
     "install(b'NAME=VALUE\\0...', or None for the environment) -> status, message"},
    {"uninstall", module_uninstall, METH_NOARGS, "uninstall() -> whether that can be"},
    {"finish", module_finish, METH_NOARGS, "finish(): what is done at the end of a process"},
    {"options", module_options, METH_NOARGS, "options() -> [(name, values, help, default or None)]"},
    {"presence", module_presence, METH_NOARGS, "presence() -> 0: linked, 1: installed, 2: preloaded"},
    {"available_memory", available_memory, METH_NOARGS, "available_memory() -> bytes"},
    {"clear_unshared", clear_unshared, METH_O, "clear_unshared(frame.f_locals)"},
    {"versions", versions, METH_NOARGS, "versions() -> (of this module, of the library, the library's file)"},
    {NULL, NULL, 0, NULL}};

/* What is static here changes only while the package holds its lock, or is set when it is imported. */
static PyModuleDef_Slot slots[] = {
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "arrowpool._library",
                                        .m_doc = "What the package arrowpool needs of C.",
                                        .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit__library(void);
PyMODINIT_FUNC PyInit__library(void) { return PyModuleDef_Init(&definition); }
