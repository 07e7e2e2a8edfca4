/* Memory that the kernel empties (MADV_WIPEONFORK) in every child that has memory of its own, however the
 * child was made: by fork, by _Fork, or by the system call itself, for which no handler runs. By it a child
 * finds that what it shares with its parent, such a file, is not its own. Threads and the children of a vfork
 * see the memory as it is.
 *
 * It is used where there is a live file or a profile. Kernels before 4.14 have no such memory: nothing is
 * detected there, and everything counts as the process's own. */
#ifndef ARROWPOOL_BASE_FORK_DETECT_H
#define ARROWPOOL_BASE_FORK_DETECT_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the flag. The caller calls this once, before several threads call the others. */
void fork_detect_start(void);

/* Returns false in a child until it calls fork_detect_renew. */
bool fork_detect_is_own(void);

/* In such a child this returns true to the thread that is to put things right and then calls
 * fork_detect_renew; other threads wait here for that. */
bool fork_detect_claim(void);
void fork_detect_renew(void);

/* Returns another flag, which is 1, and 0 in such a child until the child sets it; NULL if there is none. It
 * may be called without fork_detect_start. */
_Atomic int *fork_detect_new_flag(void);

/* Returns zeroed memory of that kind, which is never given back; NULL if there is none. The caller holds
 * LOCK_SHARDS. */
void *fork_detect_take(size_t size);

#endif
