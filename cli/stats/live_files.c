/* Finds live files by what a process has mapped, and by what its environment says. */
#include "cli/stats/live_files.h"

#include "base/live_name.h"
#include "options/options.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool live_files_is_pid(const char *text) { return *text && strspn(text, "0123456789") == strlen(text); }

/* ---- what is mapped ---- */

static bool is_file(const char *path, unsigned long long inode) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode) && (!inode || status.st_ino == inode);
}

/* Finds the file where we reach it. The kernel tells the path as we see it, or, of another file system tree,
 * as the process does; some file systems tell another inode there than stat. */
static bool reach(const char *pid, const char *path, unsigned long long inode, char *out, size_t size) {
  char theirs[PATH_MAX + 64];
  snprintf(theirs, sizeof theirs, "/proc/%s/root%s", pid, path);
  const char *found = is_file(path, inode)     ? path
                      : is_file(theirs, inode) ? theirs
                      : is_file(theirs, 0)     ? theirs
                      : is_file(path, 0)       ? path
                                               : NULL;
  return found && (size_t)snprintf(out, size, "%s", found) < size;
}

static bool has_name(const char *name, const char *suffix, int64_t numbers[3]) {
  size_t length = live_name_parse(name, numbers);
  return length && strcmp(name + length, suffix) == 0;
}

bool live_files_mapped(const char *pid, const char *suffix, char *out, size_t size) {
  char file[64], *line = NULL;
  size_t room = 0;
  bool found = false;
  snprintf(file, sizeof file, "/proc/%s/maps", pid);
  FILE *maps = fopen(file, "re");
  while (maps && !found && getline(&line, &room, maps) > 0) {
    unsigned long long inode = 0;
    char *path = strchr(line, '/');
    line[strcspn(line, "\n")] = 0;
    found = path && has_name(strrchr(path, '/') + 1, suffix, NULL) &&
            sscanf(line, "%*s %*s %*s %*s %llu", &inode) == 1 && reach(pid, path, inode, out, size);
  }
  free(line);
  if (maps)
    fclose(maps);
  return found;
}

bool live_files_of_process(const char *pid, char *out, size_t size) {
  return live_files_mapped(pid, LIVE_SUFFIX, out, size);
}

bool live_files_newest(const char *directory, int64_t pid, const char *suffix, char *out, size_t size) {
  int64_t newest[2] = {-1, -1}, numbers[3];
  DIR *files = opendir(directory);
  if (!files)
    return false;
  for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
    if (!has_name(entry->d_name, suffix, numbers) || numbers[0] != pid)
      continue;
    if (numbers[1] > newest[0] || (numbers[1] == newest[0] && numbers[2] > newest[1])) {
      memcpy(newest, &numbers[1], sizeof newest);
      snprintf(out, size, "%s/%s", directory, entry->d_name);
    }
  }
  closedir(files);
  errno = 0;
  return newest[0] >= 0;
}

/* ---- what the environment says ---- */

static const char *directory_of_process(const char *pid, const char *variable, char *out, size_t size) {
  size_t length = strlen(variable);
  char path[64], *line = NULL;
  size_t room = 0;
  const char *found = NULL;
  snprintf(path, sizeof path, "/proc/%s/environ", pid);
  FILE *environment = fopen(path, "re");
  while (environment && !found && getdelim(&line, &room, 0, environment) > 0)
    if (strncmp(line, variable, length) == 0 && line[length] == '=' && line[length + 1]) {
      snprintf(out, size, "%s", line + length + 1);
      found = out;
    }
  free(line);
  if (environment)
    fclose(environment);
  return found;
}

const char *live_files_directory_by(const char *variable, const char *pid, char *out, size_t size) {
  const char *directory = getenv(variable);
  if (directory && *directory)
    return directory;
  return pid ? directory_of_process(pid, variable, out, size) : NULL;
}

const char *live_files_directory(const char *pid, char *out, size_t size) {
  return live_files_directory_by(OPTIONS_PREFIX "_LIVE", pid, out, size);
}

bool live_files_can_read(const char *directory) {
  DIR *readable = opendir(directory);
  if (readable)
    closedir(readable);
  return readable && access(directory, X_OK) == 0;
}
