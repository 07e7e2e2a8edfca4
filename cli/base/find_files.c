/* Walks directories, and tells of each file of statistics in them. */
#include "cli/base/find_files.h"

#include "base/live_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct search {
  find_files_take take;
  find_files_complain complain;
  void *context;
  const char *wanted; /* ending; NULL: that of any statistics */
  char path[PATH_MAX];
} search;

static bool is_of_ours(const search *s, const char *name) {
  static const char *const endings[] = {".json", ".jsonl", LIVE_SUFFIX};
  const char *ending = strrchr(name, '.');
  if (s->wanted)
    return ending && strcmp(ending, s->wanted) == 0;
  for (size_t i = 0; ending && i < sizeof endings / sizeof *endings; i++)
    if (strcmp(ending, endings[i]) == 0)
      return true;
  return false;
}

static void search_directory(search *s, size_t length);

/* It goes as deep as a path can be: NOLINTNEXTLINE(misc-no-recursion) */
static void look_at(search *s, size_t length, const struct dirent *entry) {
  struct stat status;
  int added = snprintf(s->path + length, sizeof s->path - length, "%s%s",
                       s->path[length - 1] == '/' ? "" : "/", entry->d_name);
  if (length + (size_t)added >= sizeof s->path) {
    s->path[length] = 0;
    s->complain(s->context, s->path, strerror(ENAMETOOLONG));
    return;
  }
  bool is_directory = entry->d_type == DT_DIR || (entry->d_type == DT_UNKNOWN &&
                                                  lstat(s->path, &status) == 0 && S_ISDIR(status.st_mode));
  if (is_directory)
    search_directory(s, length + (size_t)added);
  else if (is_of_ours(s, entry->d_name))
    s->take(s->context, s->path, false);
}

/* NOLINTNEXTLINE(misc-no-recursion): the depth is as above */
static void search_directory(search *s, size_t length) {
  DIR *directory = opendir(s->path);
  if (!directory) {
    s->complain(s->context, s->path, strerror(errno));
    return;
  }
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      look_at(s, length, entry);
    s->path[length] = 0;
  }
  closedir(directory);
}

void find_files(const char *path, find_files_take take, find_files_complain complain, void *context) {
  find_files_ending(path, NULL, take, complain, context);
}

void find_files_ending(const char *path, const char *ending, find_files_take take,
                       find_files_complain complain, void *context) {
  struct stat status;
  search s = {.take = take, .complain = complain, .context = context, .wanted = ending};
  if (stat(path, &status) || !S_ISDIR(status.st_mode)) {
    take(context, path, true);
    return;
  }
  if ((size_t)snprintf(s.path, sizeof s.path, "%s", path) < sizeof s.path)
    search_directory(&s, strlen(s.path));
}
