/* The live files below a directory from one reading to the next, and what they add up to.
 *
 * Processes are shown while they run. With sums by group, counters must not fall when a process goes: what it
 * had counted when it was last read is kept in its group. A file of a process that is gone is read once more,
 * and then never again: nothing changes in it. */
#ifndef ARROWPOOL_CLI_SERVE_FILES_H
#define ARROWPOOL_CLI_SERVE_FILES_H

#include "cli/serve/rows.h"
#include "cli/stats/stats.h"
#include "cli/who/who.h"

/* These are rows of processes, rows of pools, and rows of lines of Python. */
typedef struct serve_tables {
  serve_rows processes, pools, lines;
} serve_tables;

#define SERVE_MOST_LINES 50

/* The largest lines of a process that has a profile. */
typedef struct serve_lines {
  size_t count;
  who_top_line all[SERVE_MOST_LINES];
} serve_lines;

typedef struct serve_files {
  /* This is asked for. */
  const char *directory;
  unsigned by;          /* MERGE_POOL, MERGE_NAME, MERGE_HOST, MERGE_PROGRAM; 0: each process for itself */
  size_t most;          /* the most running processes; further files are not read */
  int64_t remove_after; /* milliseconds; negative: never */
  bool waits;           /* the directory may not be there yet; false once it was */
  size_t lines;         /* so many lines of each process, up to SERVE_MOST_LINES; without `by` */

  struct serve_file *files; /* they are in the order of paths (files.c) */
  size_t count;
  serve_tables gone; /* counters of processes that are no more, by group */

  /* This is of the last reading. */
  int64_t states[STATS_STATES]; /* processes by stats_state */
  int64_t found, damaged, left_out, unreadable_directories, lost;
  int64_t time, microseconds; /* when it was (since the epoch), and how long it took */
  int64_t readings, removed;  /* in all readings */
} serve_files;

/* Reads the files anew, at first from all zero but what is asked for. Without memory it ends the program. */
void serve_files_read(serve_files *s);

/* Adds up all that is to be shown. `out` is as serve_tables_init leaves it. */
void serve_files_add_up(const serve_files *s, serve_tables *out);

/* Calls `take` for each process that is shown, with the name of its file, and its lines or NULL. */
typedef void (*serve_files_take)(void *context, const char *name, const stats *f, const serve_lines *lines);
void serve_files_each(const serve_files *s, serve_files_take take, void *context);

void serve_files_free(serve_files *s);

void serve_tables_init(serve_tables *t);
void serve_tables_add(serve_tables *t, const stats *f, unsigned by, bool counters_only);
void serve_tables_add_lines(serve_tables *t, const stats *f, const serve_lines *lines);
void serve_tables_clear(serve_tables *t);

#endif
