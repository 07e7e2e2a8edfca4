/* Signs of life: while a process runs, its live file and its profile say when it was last there, and the live
 * file what was resident then. Nothing else tells after it was killed: what is written to a mapping does not
 * change a file's times.
 *
 * Where there is a live file, a thread beats every HEARTBEAT_PERIOD, whatever the program does. Where the
 * pools publish what is live, that beats as well, so that the last figures of who runs out of memory are of
 * shortly before. */
#ifndef ARROWPOOL_REPORT_HEARTBEAT_H
#define ARROWPOOL_REPORT_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#define HEARTBEAT_PERIOD 1000 /* of the thread (ms): how old the last sign of life is at most */
#define HEARTBEAT_BUSY   100  /* where pools publish (ms) */
#define HEARTBEAT_GROWTH ((int64_t)16 << 20) /* or when so much more is live than at the last one (bytes) */

/* Has the pools beat from now on, for a process that keeps a live file. It is called once, at the start. */
void heartbeat_start(void);

/* Notes a sign of life, in the profile too. The thread calls it, whose signals are all blocked. */
void heartbeat_beat(void);

#endif
