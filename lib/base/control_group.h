/* Where the files of the process's memory control groups are. It uses no malloc, no stdio and no locale; the
 * caller sees to cancellation (nocancel.h) and errno. */
#ifndef ARROWPOOL_BASE_CONTROL_GROUP_H
#define ARROWPOOL_BASE_CONTROL_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_GROUP_FIELD 512                       /* the longest path that is followed (bytes) */
#define CONTROL_GROUP_PATH  (4 * CONTROL_GROUP_FIELD) /* room for the folder, and the name of a file in it */

typedef enum control_group_version { CONTROL_GROUP_TWO, CONTROL_GROUP_ONE } control_group_version;

/* Finds the folder of the group that accounts for the memory of a process (a number or "self"), in that
 * version of control groups. `path` has CONTROL_GROUP_PATH bytes, and the mount point is the first *mount of
 * them. `root` stands before /proc and the mount points ("" means the machine's own). Returns false if there
 * is no such group. */
bool control_group_find(const char *root, const char *process, control_group_version which, char *path,
                        size_t *mount);

#endif
