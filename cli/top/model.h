/* What `arrowpool top` shows: processes and their pools, or sums by program, how their figures change, which
 * of them are listed and in which order. It knows neither files nor terminals: figures come in, lines go out.
 * Times are milliseconds of any clock that never goes back. */
#ifndef ARROWPOOL_CLI_TOP_MODEL_H
#define ARROWPOOL_CLI_TOP_MODEL_H

#include "cli/stats/stats.h"
#include "cli/top/columns.h"

#define TOP_SECONDS 60

/* The last minute is the most of each second. */
typedef struct top_history {
  int64_t second; /* the newest value's */
  int count;      /* as many seconds are known */
  int64_t values[TOP_SECONDS];
} top_history;

/* The numbers are by column. Rates are in thousandths a second, so that rare events do not read as none. */
typedef struct top_row {
  int64_t sums[TOP_COLUMNS];  /* as last read; ARROWPOOL_UNKNOWN as in figures */
  int64_t shown[TOP_COLUMNS]; /* the same, with counters as rates */
  top_history live;
} top_row;

typedef struct top_pool {
  char name[POOL_NAME_BYTES];
  top_row row;
} top_pool;

typedef struct top_process {
  char *file;
  char program[PROGRAM_NAME_BYTES], name[JOB_NAME_BYTES], command[COMMAND_BYTES];
  size_t shared; /* bytes of its title that another process's begins with (command.h) */
  bool is_group; /* it stands for the running processes of a program and a name */
  int64_t pid;   /* of a group: how many */
  stats_state state;
  bool expanded;
  unsigned refresh;
  int64_t read_at;
  top_row row; /* sums over the pools that know theirs; the share is of the limit over all pools */
  top_history resident;
  top_pool *pools;
  size_t pool_count;
} top_process;

/* A line of the list is a process, or one of its pools. */
typedef struct top_line {
  top_process *process;
  top_pool *pool; /* NULL: it is the process itself */
} top_line;

typedef struct top_model {
  top_process **processes; /* they are in the order of their files */
  size_t count, room;
  unsigned refresh;
  int64_t read_at;             /* when a file was read last */
  size_t gone, unknown, ended; /* how many of them; ended: also those that became another program */
  size_t unreadable;           /* files that could not be read */
  size_t incomplete;           /* processes whose sums are too small, since their files had no room */
  int64_t totals[TOP_COLUMNS]; /* sums over running processes */

  int sort; /* a column */
  bool reverse, pools;
  bool by_program;          /* lines are of groups: sums over the running processes of a program */
  struct top_model *groups; /* those groups, as its processes; made when they are asked for first */
  char filter[64];
  top_line *lines;
  size_t line_count, line_room;
  size_t selected;     /* a line */
  top_process *chosen; /* it was on that line, while there are no lines */
  char chosen_pool[POOL_NAME_BYTES];
} top_model;

/* A refresh begins, adds each file that was read or could not be, and ends. What is not read again is gone.
 * There are no lines until they are arranged. */
void top_model_begin(top_model *m);
void top_model_add(top_model *m, const char *file, const stats *f, int64_t now);
void top_model_end(top_model *m);
void top_model_free(top_model *m);

/* Works out the lines anew. The selected one stays selected while it is there. */
void top_model_arrange(top_model *m);

/* Forgets the lines, except for what was selected. */
void top_model_drop_lines(top_model *m);

/* Shows or hides the pools of all processes, also of those to come. */
void top_model_show_pools(top_model *m, bool shown);

/* Shows sums by program, or processes again; the lines have to be arranged anew. */
void top_model_show_programs(top_model *m, bool shown);

void top_history_add(top_history *h, int64_t now, int64_t value);

/* Returns the growth of the last minute, or of as much of it as is known; ARROWPOOL_UNKNOWN if there are not
 * two values. */
int64_t top_history_growth(const top_history *h);

/* Returns the most in the part `index` of `parts` of the last minute, which ends with the newest value;
 * ARROWPOOL_UNKNOWN if nothing is known. `parts` divides TOP_SECONDS. */
int64_t top_history_most(const top_history *h, int index, int parts);

#endif
