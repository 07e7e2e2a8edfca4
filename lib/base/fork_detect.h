/* Memory that the kernel empties in every child that has memory of its own, however it was made: by fork, by
 * _Fork, or by the system call itself, for which no handler runs. A child finds by it that what it shares
 * with its parent, a live file, is not its own. Threads and the children of a vfork see it as it is.
 *
 * Used where there is a live file. Kernels before 4.14 have no such memory: then nothing is detected, and
 * everything counts as the process's own. */
#ifndef ARROWPOOL_BASE_FORK_DETECT_H
#define ARROWPOOL_BASE_FORK_DETECT_H

#include <stdbool.h>
#include <stddef.h>

/* From now on there is one. Called once, before others are called from several threads. */
void fork_detect_start(void);

/* False in a child, until it calls fork_detect_renew. */
bool fork_detect_is_own(void);

/* In such a child: true for the thread that is to put things right and then calls fork_detect_renew; others
 * wait for that here. */
bool fork_detect_claim(void);
void fork_detect_renew(void);

/* Memory of that kind, zeroed, that is never given back; NULL: there is none. Under LOCK_SHARDS. */
void *fork_detect_take(size_t size);

#endif
