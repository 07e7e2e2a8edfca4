/* The table by which a live file describes itself: where each figure lies in the records of pools and shards
 * (counters_area.h). It is written into the file as it is. */
#ifndef ARROWPOOL_REPORT_LIVE_FIELDS_H
#define ARROWPOOL_REPORT_LIVE_FIELDS_H

#include "report/live.h"

extern const live_field live_fields[];
extern const uint32_t live_field_count;

#endif
