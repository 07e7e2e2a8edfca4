/* The process that is attached to: what is loaded there, where the functions are that are called there, which
 * code takes locks that such a call needs, and memory that nobody uses. Read once, and nothing is touched. */
#ifndef ARROWPOOL_CLI_ATTACH_SUBJECT_H
#define ARROWPOOL_CLI_ATTACH_SUBJECT_H

#include "cli/attach/mappings.h"
#include "cli/attach/module.h"
#include "cli/attach/stub.h"

enum { SUBJECT_SHUNNED = 32, SUBJECT_RESTS = 16, SUBJECT_RESTORERS = 4 };

typedef struct subject {
  long pid;
  mappings maps;
  stub_values functions;                 /* those that are called there */
  range shunned[SUBJECT_SHUNNED];        /* code that may hold the loader's locks, or malloc's */
  range system[SUBJECT_SHUNNED];         /* code of the C library and the loader, all of it */
  uint64_t restorers[SUBJECT_RESTORERS]; /* where signal handlers return to */
  range code_rests[SUBJECT_RESTS], data_rests[SUBJECT_RESTS]; /* memory that nobody uses */
  size_t shunned_count, system_count, restorers_count, code_rests_count, data_rests_count;
  bool has_own_malloc; /* the program itself has one, so that its code cannot be told from malloc's */
  bool has_ranges;     /* none was left out for lack of room */
} subject;

/* Returns NULL, or why nothing can be called there. Whatever comes out holds memory. */
const char *subject_read(long pid, subject *out);
void subject_free(subject *s);

#endif
