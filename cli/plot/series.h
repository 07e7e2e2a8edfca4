/* Time series of processes, collected from dumps: what a plot needs of each. */
#ifndef ARROWPOOL_CLI_PLOT_SERIES_H
#define ARROWPOOL_CLI_PLOT_SERIES_H

#include "cli/stats/stats.h"

#include <stdio.h>

/* These are figures over the pools that are asked for. */
#define SERIES_FIELDS(X)                                                                                     \
  X(live)     /* bytes_allocated */                                                                          \
  X(resident) /* the process's */                                                                            \
  X(idle)     /* the process's */                                                                            \
  X(in_place) /* bytes_grown_in_place; these are sums, as in dumps */                                        \
  X(remapped)                                                                                                \
  X(copied)                                                                                                  \
  X(limit) /* the process's, or, of one pool that is asked for, the pool's */

typedef enum series_field {
#define X(name) SERIES_##name,
  SERIES_FIELDS(X)
#undef X
      SERIES_FIELD_COUNT
} series_field;

typedef struct series_point {
  int64_t time;                       /* milliseconds since the epoch */
  int64_t values[SERIES_FIELD_COUNT]; /* ARROWPOOL_UNKNOWN: no pool knows it */
} series_point;

/* The live bytes of a pool at each point; ARROWPOOL_UNKNOWN where it was not there, or does not know. */
typedef struct series_pool {
  char name[POOL_NAME_BYTES];
  int64_t *live;
  size_t room;
} series_pool;

typedef struct series {
  snapshot_process process; /* its names and numbers count here */
  series_point *points;     /* they are in the order of time */
  size_t count, room;
  series_pool *pools;
  size_t pool_count;
} series;

typedef struct series_set {
  const char *pool; /* the only pool that counts; NULL: all */
  bool pool_found;
  char pool_names[256]; /* of the others, with commas, as far as there is room */
  series *items;
  size_t count;
} series_set;

/* Adds a point to its process's series; one that is not later than the last is left out. */
void series_add(series_set *set, const stats *f);

/* Removes the series of fewer than two points, and sorts the others by their beginnings. */
void series_finish(series_set *set);

void series_free(series_set *set);

/* Returns the growth per second up to a point of a field that is a sum; negative: it is not known. */
double series_rate(const series *s, size_t i, series_field field);

/* Returns whether a field is a sum, which is shown as its growth. */
static inline bool series_is_rate(series_field field) {
  return field >= SERIES_in_place && field <= SERIES_copied;
}

/* Writes the page (html.c), of one process or several. */
void series_write_page(const series_set *set, const char *title, FILE *out);

/* Writes what gnuplot is told to draw them, of which there is at least one, after series_finish. */
typedef struct series_size {
  size_t width, height; /* in points; 0: as it suits */
} series_size;
void series_write_commands(const series_set *set, const char *title, bool png, series_size size, FILE *out);

/* Draws to a file, as its ending has it: a page for .html, by gnuplot for .png and .svg. Returns a CLI_...
 * status; what goes wrong is said. */
int series_draw(const series_set *set, const char *title, series_size size, const char *output);

#endif
