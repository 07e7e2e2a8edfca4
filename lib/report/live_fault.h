/* Handles SIGBUS in a live file: a page is not there any more, since somebody cut the file off or a disk
 * failed. What the program does with the signal is its own: all else is passed on as it would have come. */
#ifndef ARROWPOOL_REPORT_LIVE_FAULT_H
#define ARROWPOOL_REPORT_LIVE_FAULT_H

#include <stdbool.h>

/* Asks `repair` about faults from now on. It returns true if there is memory at the address again, which is
 * accessed anew; it is called in a signal's handler. This is called once. */
void live_fault_watch(bool (*repair)(const void *address));

#endif
