/* Small files of the kernel's, /proc/PID/stat among them. Async-signal-safe, and no thread ends here that was
 * cancelled. */
#ifndef ARROWPOOL_BASE_PROC_H
#define ARROWPOOL_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads what a file begins with, without a newline at its end, and returns the length (bytes); "" if it
 * cannot be read.
 */
size_t proc_read(const char *path, char *out, size_t size);

/* Fields of a process's or a thread's stat (proc(5)). */
typedef struct proc_stat {
  char state;
  int64_t parent, threads, start_ticks; /* fields 4, 20 and 22; ticks are since boot */
} proc_stat;

/* Returns false if there is no such process, or it cannot be seen. */
bool proc_read_stat(const char *path, proc_stat *out);

#endif
