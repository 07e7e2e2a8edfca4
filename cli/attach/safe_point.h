/* Finds a thread of a process, and stops it, where it may be sent to call pthread_create, and with it malloc:
 * it is not inside malloc, the loader or a signal handler, whose locks it might hold. Best is a thread that
 * waits in a system call. The others run on. */
#ifndef ARROWPOOL_CLI_ATTACH_SAFE_POINT_H
#define ARROWPOOL_CLI_ATTACH_SAFE_POINT_H

#include "cli/attach/subject.h"

#include <sys/user.h>

#ifdef __x86_64__

typedef struct safe_point {
  long tid; /* it is stopped, and traced by us */
  struct user_regs_struct registers;
} safe_point;

/* Looks for one for so long (milliseconds). Returns NULL, or why there is none; nothing is traced then. */
const char *safe_point_find(const subject *s, int64_t longest, safe_point *out);

/* Returns how many threads wait where they may be sent, without stopping any, and of how many. */
size_t safe_point_count(const subject *s, size_t *threads);

/* Lets the thread go on where its registers say. A system call that the stop interrupted goes on if
 * `as_before`. */
void safe_point_leave(const safe_point *p);

/* Returns where the thread goes on, and puts into its registers with what: a system call that was interrupted
 * begins anew. */
uint64_t safe_point_resume(safe_point *p);

#endif
#endif
