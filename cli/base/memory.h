/* Memory for the command. Where there is none it says so, and ends: nothing here can go on without. */
#ifndef ARROWPOOL_CLI_BASE_MEMORY_H
#define ARROWPOOL_CLI_BASE_MEMORY_H

#include <stddef.h>

/* They work as reallocarray and calloc do. */
void *memory_grow(void *memory, size_t count, size_t size);
void *memory_zeroed(size_t count, size_t size);

/* Makes room for one more in an array that has `*room`, doubled where it is full. */
void *memory_one_more(void *array, size_t count, size_t *room, size_t size);

/* Copies as strdup does. */
char *memory_copy(const char *text);

/* Says that there is no memory, and ends the command. */
void memory_lacking(void) __attribute__((noreturn));

#endif
