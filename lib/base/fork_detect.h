/* Memory that the kernel empties in every child that has memory of its own, however it was made: by fork, by
 * _Fork, or by the system call itself, for which no handler runs. A child finds by it that what it shares
 * with its parent, a live file, is not its own. Threads and the children of a vfork see it as it is.
 *
 * Used where there is a live file. Kernels before 4.14 have no such memory: then there is no witness, and
 * everything counts as the process's own. */
#ifndef ARROWPOOL_WITNESS_H
#define ARROWPOOL_WITNESS_H

#include <stdbool.h>
#include <stddef.h>

/* From now on there is one. Called once, before others are called from several threads. */
void witness_start(void);

/* False in a child, until it calls witness_renew. */
bool witness_is_own(void);

/* In such a child: true for the thread that is to put things right and then calls witness_renew; others wait
 * for that here. */
bool witness_claim(void);
void witness_renew(void);

/* Memory of that kind, zeroed, that is never given back; NULL: none, or no witness. Under GATE_SHARDS. */
void *witness_take(size_t size);

#endif
