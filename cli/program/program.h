/* What a command comes down to: the file that the kernel would start, through PATH, links, #! lines and env;
 * and whether the loader would preload anything into it. Files are read for that, and nothing is run. */
#ifndef ARROWPOOL_CLI_PROGRAM_PROGRAM_H
#define ARROWPOOL_CLI_PROGRAM_PROGRAM_H

#include "cli/program/elf_file.h"

#define PROGRAM_MOST_ARGUMENTS 64

typedef enum program_verdict {
  PROGRAM_PRELOADS,
  PROGRAM_STATIC,    /* no loader runs */
  PROGRAM_SECURE,    /* it is set-user-ID or the like: the loader ignores LD_PRELOAD */
  PROGRAM_FOREIGN,   /* it is of another processor */
  PROGRAM_OTHER_LIBC /* its loader cannot load what needs glibc */
} program_verdict;

typedef struct program {
  char path[PATH_MAX]; /* as it was found, links and all */
  char real[PATH_MAX]; /* the same without links */
  char via[1024];      /* the scripts and envs before it, each followed by ", "; empty: none */
  char *arguments[PROGRAM_MOST_ARGUMENTS]; /* its own begin at [1]; NULL follows the last */
  char *settings[PROGRAM_MOST_ARGUMENTS];  /* NAME=VALUE, which env sets on the way; NULL follows the last */
  bool drops_environment;                  /* env -i or env -u LD_PRELOAD does so on the way */
  bool is_elf; /* the last file begins like one, whatever is wrong with it further on */
  elf_file elf;
  char *lines[20]; /* memory behind the arguments */
} program;

/* Finds where execvp would find `name`, and writes it into `out`, PATH_MAX. Returns 0, or an errno. */
int program_find(const char *name, char *out);

/* Follows the command to its program. Returns NULL on success, else what is wrong, in words; `path` then says
 * with which file, and nothing is held. */
const char *program_open(char *const command[], program *out);

/* Does the same for one file, with no arguments. */
const char *program_open_file(const char *path, program *out);

void program_close(program *p);

/* Returns whether the loader will preload the shim; `out` (at least 300 bytes) says in words why not. */
program_verdict program_judge(const program *p, char *out);

#endif
