/* Finds the process's control groups. /proc/PROCESS/cgroup names the groups, and mountinfo says where their
 * files are. A mount may begin at a group of its own (the `root` of a mountinfo line), as it does in
 * containers. */
#include "base/control_group.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- lines of a file of the kernel's ---- */

typedef struct lines {
  int fd;
  size_t begin, end; /* the part of `bytes` that was read and not returned yet */
  char bytes[4096];
} lines;

static bool open_lines(lines *l, const char *root, const char *process, const char *name) {
  char path[CONTROL_GROUP_FIELD];
  if (strlen(root) + strlen(process) + strlen(name) + 8 > sizeof path)
    return false;
  strcat(strcat(strcat(strcat(strcpy(path, root), "/proc/"), process), "/"), name);
  l->begin = l->end = 0;
  l->fd = open(path, O_RDONLY | O_CLOEXEC);
  return l->fd >= 0;
}

/* Returns the next line, ended by NUL instead of newline, or NULL at the end. A line that is too long for the
 * buffer comes in parts, which look like nothing we know. */
static char *next_line(lines *l) {
  for (;;) {
    char *line = l->bytes + l->begin, *newline = memchr(line, '\n', l->end - l->begin);
    if (newline) {
      *newline = 0;
      l->begin = (size_t)(newline + 1 - l->bytes);
      return line;
    }
    memmove(l->bytes, line, l->end - l->begin);
    l->end -= l->begin;
    l->begin = 0;
    if (l->end == sizeof l->bytes)
      l->end = 0;
    ssize_t got = read(l->fd, l->bytes + l->end, sizeof l->bytes - l->end);
    if (got <= 0)
      return NULL;
    l->end += (size_t)got;
  }
}

/* Returns the field up to `end`, which becomes NUL; `*rest` is what follows. Returns NULL if there is no
 * more. */
static char *cut(char **rest, char end) {
  char *field = *rest, *at = field ? strchr(field, end) : NULL;
  if (at)
    *at++ = 0;
  *rest = at;
  return field;
}

/* Returns whether a list separated by commas has the word. */
static bool has_word(const char *list, const char *word) {
  size_t length = strlen(word);
  for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
    if (strncmp(list, word, length) == 0 && (!list[length] || list[length] == ','))
      return true;
  return false;
}

/* ---- groups ---- */

static const char *const file_systems[] = {"cgroup2", "cgroup"};

/* Finds the group that limits memory in that version, as /proc/PROCESS/cgroup names it:
 * "NUMBER:CONTROLLERS:PATH". */
static bool find_group(const char *root, const char *process, control_group_version which, char *out) {
  lines l;
  bool found = false;
  if (!open_lines(&l, root, process, "cgroup"))
    return false;
  for (char *line; !found && (line = next_line(&l)) != NULL;) {
    const char *number = cut(&line, ':'), *controllers = cut(&line, ':');
    if (!line || strlen(line) >= CONTROL_GROUP_FIELD)
      continue;
    found = which == CONTROL_GROUP_TWO ? strcmp(number, "0") == 0 && !*controllers
                                       : has_word(controllers, "memory");
    if (found)
      strcpy(out, line);
  }
  close(l.fd);
  return found;
}

/* Finds where groups of that version are mounted, and the group with which the mount begins. */
static bool find_mount(const char *root, const char *process, control_group_version which, char *point,
                       char *first) {
  lines l;
  bool found = false;
  if (!open_lines(&l, root, process, "mountinfo"))
    return false;
  for (char *line; !found && (line = next_line(&l)) != NULL;) {
    char *fields[5], *kind = strstr(line, " - ");
    if (!kind)
      continue;
    *kind = 0;
    kind += 3;
    for (int i = 0; i < 5; i++) /* number, parent, device, root, mount point */
      fields[i] = cut(&line, ' ');
    const char *file_system = cut(&kind, ' ');
    cut(&kind, ' ');
    found = fields[4] && kind && strcmp(file_system, file_systems[which]) == 0 &&
            (which == CONTROL_GROUP_TWO || has_word(kind, "memory")) &&
            strlen(fields[3]) < CONTROL_GROUP_FIELD && strlen(fields[4]) < CONTROL_GROUP_FIELD;
    if (found) {
      strcpy(first, fields[3]);
      strcpy(point, fields[4]);
    }
  }
  close(l.fd);
  return found;
}

bool control_group_find(const char *root, const char *process, control_group_version which, char *path,
                        size_t *mount) {
  char group[CONTROL_GROUP_FIELD], first[CONTROL_GROUP_FIELD];
  size_t mount_at = strlen(root);
  if (!find_group(root, process, which, group) || mount_at >= CONTROL_GROUP_FIELD ||
      !find_mount(root, process, which, path + mount_at, first))
    return false;
  /* The mount's path is there already. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
  memcpy(path, root, mount_at);
  /* The path goes on with the part of the group's path that is below the mount; a group outside of the mount
   * is seen as the mount's first. */
  size_t above = strcmp(first, "/") ? strlen(first) : 0;
  bool below = strncmp(group, first, above) == 0 && (!group[above] || group[above] == '/');
  *mount = strlen(path);
  if (below && strcmp(group + above, "/") != 0 && !strstr(group, "/.."))
    strcat(path, group + above);
  return true;
}
