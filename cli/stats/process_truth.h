/* Says why a process has no file that we see: it is not there, has ended, is another user's, or keeps none.
 */
#ifndef ARROWPOOL_CLI_STATS_PROCESS_TRUTH_H
#define ARROWPOOL_CLI_STATS_PROCESS_TRUTH_H

typedef struct process_truth_kind {
  const char *file;   /* "live file" */
  const char *option; /* of `run`, which has one kept: "--live" */
  const char *where;  /* that of the command, which says in which directory to look; NULL: it has none */
} process_truth_kind;

/* Returns why there is no process of that number: it never was, or has ended. NULL: there is one. */
const char *process_truth_absence(const char *pid);

/* Returns why nobody can look into a process from here, perhaps in `out`: it is not there, has ended, or is
 * another user's. NULL: one can. */
enum { PROCESS_TRUTH_BYTES = 256 };
const char *process_truth_of(const char *pid, char out[PROCESS_TRUTH_BYTES]);

/* Prints why `command` shows nothing of process `pid`, after `directory` was looked through if it is not
 * NULL. Returns CLI_FAILURE. */
int process_truth_tell(const char *command, const char *pid, const process_truth_kind *kind,
                       const char *directory);

/* Returns what is wrong with the file that an argument names: `problem`, or more of it if the argument looks
 * like the number of a process, of which the command takes none. */
const char *process_truth_of_file(const char *argument, const char *problem);

#endif
