/* How often the kernel has killed for lack of memory: in the process's control group (versions 1 and 2) and
 * those below it, else on the whole machine. It uses no malloc, no stdio and no locale, and keeps errno. */
#ifndef ARROWPOOL_BASE_MEMORY_KILLS_H
#define ARROWPOOL_BASE_MEMORY_KILLS_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_KILLS_PATH 512 /* the longest path that is kept (bytes) */

/* The file that tells. Another reader knows by the inode whether the path leads it to the same one. */
typedef struct memory_kills {
  char path[MEMORY_KILLS_PATH]; /* "": nothing tells */
  uint64_t inode;
} memory_kills;

/* Finds the file; `root` is as in control_group.h. It has some kilobytes on the stack. */
void memory_kills_find(const char *root, memory_kills *out);

/* Returns how many processes were killed until now; -1 where nothing tells, or not the same file any more. */
int64_t memory_kills_count(const memory_kills *kills);

#endif
