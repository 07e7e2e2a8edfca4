/* Asks another program a question: it is started with a time limit, and what it prints is the answer. It has
 * no terminal and no input, and is in a process group of its own, which is killed afterwards, so that nothing
 * of it stays behind. The doctor asks Python and the loader this way. */
#ifndef ARROWPOOL_CLI_PROGRAM_ASK_H
#define ARROWPOOL_CLI_PROGRAM_ASK_H

#include <stdbool.h>
#include <stddef.h>

#define ASK_SECONDS    5                 /* how long it may take, until it has ended */
#define ASK_MOST_BYTES ((size_t)1 << 20) /* the longest answer */

typedef struct ask_question {
  const char *file;         /* a path, which is not searched for */
  char *const *arguments;   /* they begin at [0]; NULL follows the last */
  char *const *environment; /* it ends likewise */
  const char *directory;    /* where it is started; NULL or empty: here */
} ask_question;

typedef struct ask_answer {
  char *text;         /* what it wrote to stdout, with a NUL behind; NULL: nothing was held */
  char problem[4096]; /* why that is no answer, as "did not answer within 5 s"; empty: it is one */
} ask_answer;

/* Asks, and waits. Returns false if there is no answer; `problem` says why. `out` holds memory either way. */
bool ask(const ask_question *question, ask_answer *out);
void ask_free(ask_answer *answer);

#endif
