/* Tables of names. A package counts where packages are installed, so that a user's folder of the same name is
 * the user's. */
#include "cli/who/libraries.h"

#include <string.h>

static const char *const packages[] = {"pyarrow",
                                       "arrowpool",
                                       "pandas",
                                       "numpy",
                                       "polars",
                                       "duckdb",
                                       "fsspec",
                                       "s3fs",
                                       "gcsfs",
                                       "adlfs",
                                       "dask",
                                       "distributed",
                                       "ray",
                                       "pyspark",
                                       "deltalake",
                                       "pyiceberg",
                                       "ibis",
                                       "datafusion",
                                       "torch",
                                       "fastparquet",
                                       "geopandas",
                                       "geoarrow",
                                       "adbc_driver_manager",
                                       "datasets",
                                       "feather",
                                       "joblib"};

/* Returns whether the text begins with the word, up to its end or a "/" or ".". */
static bool begins(const char *text, const char *word) {
  size_t length = strlen(word);
  return strncmp(text, word, length) == 0 && strchr("/.", text[length]);
}

/* Returns what stands behind the last place of packages in a path: "pyarrow/csv.py"; NULL if there is none.
 */
static const char *in_packages(const char *file) {
  static const char *const places[] = {"/site-packages/", "/dist-packages/"};
  const char *found = NULL;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    for (const char *at = file; (at = strstr(at, places[i])) != NULL; at++)
      found = at + strlen(places[i]);
  return found;
}

/* Returns whether it is a file of Python's own library: .../lib/python3.12/threading.py. */
static bool is_standard(const char *file) {
  static const char place[] = "/lib/python3.";
  const char *at = strstr(file, place);
  if (!at)
    return false;
  at += sizeof place - 1;
  at += strspn(at, ".0123456789t"); /* free-threaded ones end in t */
  return *at == '/';
}

bool who_is_library(const char *file) {
  const char *package = in_packages(file);
  if (*file ==
      '<') /* <frozen importlib._bootstrap>, <__array_function__ internals>; but not what a user types */
    return strncmp(file, "<frozen ", 8) == 0 || strncmp(file, "<__", 3) == 0;
  if (!package) /* Cython's files have names as they were compiled */
    return is_standard(file) || strncmp(file, "pyarrow/", 8) == 0 || strncmp(file, "pandas/_libs/", 13) == 0;
  for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
    if (begins(package, packages[i]))
      return true;
  return false;
}

bool who_is_allocation(const char *name, const char *module) {
  static const char *const words[] = {
      "MemoryPool",       "PoolBuffer",  "::Allocate",      "BufferBuilder", "ResizableBuffer",
      "ResizePoolBuffer", "Allocator::", "arrow::Buffer::", "::Reserve",     "::Resize"};
  static const char *const beginnings[] = {"arrow_mi_", "mi_", "arrow_je_", "je_arrow_", "arrowpool_"};
  const char *file = strrchr(module, '/');
  file = file ? file + 1 : module;
  if (strncmp(file, "libarrowpool", 12) == 0 || strstr(module, "/arrowpool/_library."))
    return true;
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
    if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
      return true;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strncmp(name, "arrow::", 7) == 0 && strstr(name, words[i]))
      return true;
  return false;
}
