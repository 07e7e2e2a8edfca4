/* Tables of names. A package counts where packages are installed, so that a user's folder of the same name is
 * the user's. */
#include "cli/who/libraries.h"

#include <string.h>

/* A package is here if its frames lie between the user's line and Arrow. There are three kinds: it allocates
 * for its callers; it calls what the user gives it, as a test that is timed or a call that is repeated; or it
 * runs the user's code, so that nothing is outside of it. The last matter where no line of the user's is, as
 * where a notebook shows a table: all of a runner's must be here then, or the outermost would pass for the
 * user. unittest, concurrent.futures and asyncio are Python's own. Servers and schedulers (uvicorn, celery,
 * airflow) are not here: below them there is a line of the user's, or else theirs is what tells most. */
static const char *const packages[] = {
    /* Arrow's, and what allocates by it */
    "pyarrow", "arrowpool", "pandas", "numpy", "polars", "duckdb", "fsspec", "s3fs", "gcsfs", "adlfs",
    "deltalake", "pyiceberg", "ibis", "datafusion", "torch", "fastparquet", "geopandas", "geoarrow",
    "adbc_driver_manager", "datasets", "feather",
    /* engines, with what their workers run in, and what brings their data: cloudpickle, zict */
    "dask", "distributed", "ray", "pyspark", "py4j", "joblib", "cloudpickle", "toolz", "tornado", "zict",
    /* tests: an assertion that failed is put in words, and a comparison made, by pytest */
    "_pytest", "pytest", "pluggy", "pytest_benchmark", "hypothesis",
    /* notebooks */
    "IPython", "ipykernel", "ipykernel_launcher", "traitlets",
    /* what goes through a reader, or calls again, for the user */
    "tqdm", "tenacity"};

/* Returns whether the text begins with the word, up to its end or a "/" or ".". */
static bool begins(const char *text, const char *word) {
  size_t length = strlen(word);
  return strncmp(text, word, length) == 0 && strchr("/.", text[length]);
}

/* Returns what stands behind the last place of packages in a path: "pyarrow/csv.py"; NULL if there is none.
 */
static const char *in_packages(const char *file) {
  /* The last is where Spark's own distribution has pyspark and py4j, zipped for workers. */
  static const char *const places[] = {"/site-packages/", "/dist-packages/", "/python/lib/pyspark.zip/"};
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

/* Returns whether it is a file of pyspark in a folder of Spark's own distribution, which a driver reads it
 * from: /opt/spark-4.0.0/python/pyspark/sql/session.py. */
static bool is_spark(const char *file) {
  static const char inside[] = "/python/pyspark/";
  for (const char *at = file; (at = strstr(at, "/spark")) != NULL; at++)
    if (strncmp(strchrnul(at + 1, '/'), inside, strlen(inside)) == 0)
      return true;
  return false;
}

bool who_is_library(const char *file) {
  const char *package = in_packages(file);
  if (*file ==
      '<') /* <frozen importlib._bootstrap>, <__array_function__ internals>; but not what a user types */
    return strncmp(file, "<frozen ", 8) == 0 || strncmp(file, "<__", 3) == 0;
  if (!package) /* Cython's files have names as they were compiled */
    return is_standard(file) || is_spark(file) || strncmp(file, "pyarrow/", 8) == 0 ||
           strncmp(file, "pandas/_libs/", 13) == 0;
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
