/* Asks the loader for the interpreter's symbols, and finds out whether its layout is known. */
#include "profile/python_runtime.h"

#include "base/readable.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <string.h>

/* ---- the loader ---- */

static void *symbol_in(void *scope, const char *name) {
  void *symbol = dlsym(scope, name);
  if (!symbol) /* the program, which may ask for a message, gets none of ours */
    dlerror(); /* NOLINT(concurrency-mt-unsafe): glibc keeps a message for each thread */
  return symbol;
}

/* Returns a handle of a library that is loaded, which keeps it there for good; NULL if it is not. */
static void *keep_library(const char *file) {
  void *library = dlopen(file, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  if (!library)
    dlerror(); /* NOLINT(concurrency-mt-unsafe): as above */
  return library;
}

static int count_loaded(struct dl_phdr_info *info, size_t size, void *count) {
  (void)size;
  *(unsigned long long *)count = info->dlpi_adds;
  return 1;
}

/* Returns whether a library was loaded since it returned true. */
static bool more_is_loaded(void) {
  static unsigned long long before;
  unsigned long long now = 0;
  dl_iterate_phdr(count_loaded, &now);
  bool more = now != before;
  before = now;
  return more;
}

static int copy_python_file(struct dl_phdr_info *info, size_t size, void *file) {
  (void)size;
  const char *slash = strrchr(info->dlpi_name, '/'), *base = slash ? slash + 1 : info->dlpi_name;
  if (strncmp(base, "libpython3.", strlen("libpython3.")) != 0 || strlen(info->dlpi_name) >= PATH_MAX)
    return 0;
  strcpy(file, info->dlpi_name);
  return 1;
}

/* Returns the scope that has the interpreter's symbols: the program's own, or that of a library which a host
 * loaded for itself. */
static bool find_scope(void **out) {
  char file[PATH_MAX];
  if (symbol_in(RTLD_DEFAULT, "Py_GetVersion")) {
    *out = RTLD_DEFAULT;
    return true;
  }
  void *library = dl_iterate_phdr(copy_python_file, file) ? keep_library(file) : NULL;
  if (!library || !symbol_in(library, "Py_GetVersion"))
    return false;
  *out = library;
  return true;
}

typedef struct text_range {
  uint64_t within, from, to; /* addresses */
} text_range;

static int find_text(struct dl_phdr_info *info, size_t size, void *range) {
  text_range *text = range;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    uint64_t from = info->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_LOAD && (part->p_flags & PF_X) && text->within - from < part->p_memsz) {
      text->from = from;
      text->to = from + part->p_memsz;
      return 1;
    }
  }
  return 0;
}

/* ---- the interpreter ---- */

/* Writes the version as people say it: "3.12.1", and "3.13.0t" for a build without a GIL. */
static void copy_version(char out[PYTHON_VERSION_BYTES], const char *version) {
  size_t length = strcspn(version, " ");
  length = length < PYTHON_VERSION_BYTES - 2 ? length : PYTHON_VERSION_BYTES - 2;
  memcpy(out, version, length);
  out[length] = '\0';
  if (python_layouts_is_free_threaded(version))
    strcat(out, "t");
}

/* Builds for debugging may begin an object with more than others. */
static bool objects_begin_as_known(const void *type_of_types, const void *type, int position) {
  const void *found;
  memcpy(&found, (const char *)type + position, sizeof found);
  return found == type_of_types;
}

static python_runtime_is_ending *find_finalizing(void *scope) {
  void *finalizing = symbol_in(scope, "Py_IsFinalizing");
  return (python_runtime_is_ending *)(finalizing ? finalizing : symbol_in(scope, "_Py_IsFinalizing"));
}

static bool find_symbols(void *scope, python_runtime *out) {
  const void *type_of_types = symbol_in(scope, "PyType_Type");
  out->code_type = symbol_in(scope, "PyCode_Type");
  out->text_type = symbol_in(scope, "PyUnicode_Type");
  out->thread_state = (void *(*)(void))symbol_in(scope, "PyGILState_GetThisThreadState");
  out->is_finalizing = find_finalizing(scope);
  out->line_of = (int (*)(void *, int))symbol_in(scope, "PyCode_Addr2Line");
  return type_of_types && out->code_type && out->text_type && out->thread_state && out->is_finalizing &&
         out->line_of && objects_begin_as_known(type_of_types, out->code_type, out->layout.object_type);
}

static void describe_python(void *scope, python_runtime *out) {
  const char *(*get_version)(void) = (const char *(*)(void))symbol_in(scope, "Py_GetVersion");
  const char *version = get_version();
  text_range text = {.within = (uintptr_t)get_version};
  Dl_info info;
  if (dladdr((void *)get_version, &info) && info.dli_fname)
    keep_library(info.dli_fname);
  dl_iterate_phdr(find_text, &text);
  *out = (python_runtime){.text_from = text.from, .text_to = text.to};
  copy_version(out->version, version);
  bool known = python_layouts_find(version, symbol_in(scope, "_PyRuntime"), &out->layout) &&
               find_symbols(scope, out) && readable_can_tell();
  out->state = known ? PROFILE_PYTHON_READ : PROFILE_PYTHON_UNKNOWN;
}

/* PyPy calls itself by other names. */
static bool find_other(python_runtime *out) {
  if (!symbol_in(RTLD_DEFAULT, "PyPy_GetVersion"))
    return false;
  *out = (python_runtime){.state = PROFILE_PYTHON_UNKNOWN, .version = "PyPy"};
  return true;
}

bool python_runtime_find(python_runtime *out) {
  void *scope;
  int saved = errno;
  bool found = more_is_loaded();
  if (found && find_scope(&scope))
    describe_python(scope, out);
  else
    found = found && find_other(out);
  errno = saved;
  return found;
}

python_runtime_is_ending *python_runtime_find_end(void) {
  void *scope;
  Dl_info info;
  int saved = errno;
  python_runtime_is_ending *found = find_scope(&scope) ? find_finalizing(scope) : NULL;
  if (found && dladdr((void *)found, &info) && info.dli_fname)
    keep_library(info.dli_fname);
  errno = saved;
  return found;
}
