/* Makes errors as libarrow does: an arrow::Status of ours, made by the library's own constructor. */
#ifndef ARROWPOOL_ARROW_STATUS_H
#define ARROWPOOL_ARROW_STATUS_H

#include "arrow/layout.h"

/* Returns the state of an arrow::Status of code OutOfMemory that says `message`; NULL where the library does
 * not export what is needed. */
void *arrow_status_out_of_memory(const arrow_layout *layout, const char *message);

#endif
