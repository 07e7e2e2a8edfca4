/* Finds out which virtual function of arrow::MemoryPool is which, in a libarrow that was compiled without us.
 *
 * It compares: libarrow exports ProxyMemoryPool, its table of virtual functions and each of them by name.
 * Where anything is missing or ambiguous, the answer is that we do not know. */
#ifndef ARROWPOOL_ARROW_LAYOUT_H
#define ARROWPOOL_ARROW_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#define ARROW_LAYOUT_MAX 48 /* virtual functions */

typedef enum arrow_method {
  ARROW_ALLOCATE,
  ARROW_REALLOCATE,
  ARROW_FREE,
  ARROW_RELEASE_UNUSED,
  ARROW_BYTES_ALLOCATED,
  ARROW_MAX_MEMORY,
  ARROW_TOTAL_BYTES_ALLOCATED,
  ARROW_NUM_ALLOCATIONS,
  ARROW_BACKEND_NAME,
  ARROW_METHODS
} arrow_method;

typedef struct arrow_layout {
  int indexes[ARROW_METHODS]; /* index of each; -1: this version has no such method */
  int count;                  /* virtual functions of the pool that was asked for */
  bool takes_alignment;       /* Allocate, Reallocate and Free do (libarrow 11 and newer) */
  bool old_string;            /* std::string is the reference-counted one of before C++11 */
  uint8_t *zero_size_area;    /* what Allocate returns for size 0 */
  void *library;              /* handle of the libarrow */
} arrow_layout;

/* Our functions for each method, with and without an alignment among the arguments; NULL leaves the
 * original's. */
typedef struct arrow_functions {
  void *aligned[ARROW_METHODS], *plain[ARROW_METHODS];
} arrow_functions;

/* A table of virtual functions, with the two words before them. */
typedef void *arrow_table[2 + ARROW_LAYOUT_MAX];

/* Finds out about a pool by its table of virtual functions. Returns NULL on success, else a reason for the
 * user. It takes the loader's lock. The library is never unloaded from then on. */
const char *arrow_layout_read(void *const *functions, arrow_layout *out);

/* Copies a table that was read, with ours in the places of the originals. Objects point to &out[2]. */
void arrow_layout_copy(const arrow_layout *layout, void *const *functions, const arrow_functions *ours,
                       arrow_table out);

#endif
