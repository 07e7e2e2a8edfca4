/* arrow/tasks.h for C++, and the malloc that probe_tasks has arrow/tasks.c call, which can fail. */
#ifndef PROBE_TASKS_H
#define PROBE_TASKS_H

#include <stddef.h>

extern "C" {
#include "arrow/tasks.h"
void *probe_tasks_malloc(size_t size);
}

#endif
