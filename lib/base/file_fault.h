/* Handles SIGBUS in a mapped file of ours, such as a live file or a profile: a page is not there any more,
 * since somebody cut the file off or a disk failed. What the program does with the signal is its own: all
 * else is passed on as it would have come. */
#ifndef ARROWPOOL_BASE_FILE_FAULT_H
#define ARROWPOOL_BASE_FILE_FAULT_H

#include <stdbool.h>

/* Returns true if there is memory at the address again, which is accessed anew. It is called in a signal's
 * handler. */
typedef bool file_fault_repair(const void *address);

/* Asks `repair` about faults from now on, besides those of earlier calls, of which there are at most
 * FILE_FAULT_MOST; a second call with the same one does nothing. Thread-safe. */
void file_fault_watch(file_fault_repair *repair);

enum { FILE_FAULT_MOST = 4 };

#endif
