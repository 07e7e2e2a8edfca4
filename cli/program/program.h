/* What a command comes down to: the file that the kernel would start, through PATH, links, #! lines and env;
 * and whether the loader would preload anything into it. Files are read for that, and nothing is run. */
#ifndef ARROWPOOL_CLI_PROGRAM_PROGRAM_H
#define ARROWPOOL_CLI_PROGRAM_PROGRAM_H

#include "cli/program/elf_file.h"

#define PROGRAM_MOST_ARGUMENTS 64

typedef enum program_verdict {
  PROGRAM_PRELOADS,
  PROGRAM_STATIC,    /* no loader runs */
  PROGRAM_SECURE,    /* set-user-ID and the like: the loader ignores LD_PRELOAD */
  PROGRAM_FOREIGN,   /* of another processor */
  PROGRAM_OTHER_LIBC /* a loader that cannot load what needs glibc */
} program_verdict;

typedef struct program {
  char path[PATH_MAX]; /* as it was found, links and all */
  char real[PATH_MAX]; /* without links */
  char via[1024];      /* the scripts and envs before it, each followed by ", "; empty: none */
  char *arguments[PROGRAM_MOST_ARGUMENTS]; /* its own, from [1] on; NULL after the last */
  char *settings[PROGRAM_MOST_ARGUMENTS];  /* NAME=VALUE, which env sets on the way; NULL after the last */
  bool drops_environment;                  /* by env -i or env -u LD_PRELOAD on the way */
  bool is_elf; /* the last file begins like one, whatever is wrong with it further on */
  elf_file elf;
  char *lines[20]; /* memory behind the arguments */
} program;

/* Where execvp would find `name`; into `out`, PATH_MAX. 0, or an errno. */
int program_find(const char *name, char *out);

/* Follow the command to its program. NULL on success, else what is wrong, in words; `path` then says with
 * which file, and nothing is held. */
const char *program_open(char *const command[], program *out);

/* The same for one file, with no arguments. */
const char *program_open_file(const char *path, program *out);

void program_close(program *p);

/* Whether the loader will preload the shim; where not, why in words (`out`, at least 300 bytes). */
program_verdict program_judge(const program *p, char *out);

#endif
