/* Reads the live files of a view. */
#include "cli/top/view.h"

#include "base/clock.h"
#include "cli/stats/live_files.h"
#include "report/live_name.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool is_wanted(const top_view *v, const char *name) {
  int64_t numbers[3];
  return live_name_is(name, numbers) && (!v->pid || numbers[0] == v->pid);
}

static void read_file(top_view *v, const char *name) {
  char path[PATH_MAX + 256];
  stats f;
  snprintf(path, sizeof path, "%s/%s", v->directory, name);
  errno = 0;
  if (stats_read_live(path, &f)) {
    v->model.unreadable += errno != ENOENT; /* its process ended just now */
    return;
  }
  top_model_add(&v->model, name, &f, clock_milliseconds());
  stats_free(&f);
}

void top_refresh(top_view *v) {
  DIR *directory = opendir(v->directory);
  snprintf(v->problem, sizeof v->problem, "%s", directory ? "" : strerror(errno));
  top_model_begin(&v->model);
  for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;)
    if (is_wanted(v, entry->d_name))
      read_file(v, entry->d_name);
  if (directory)
    closedir(directory);
  top_model_end(&v->model);
  top_model_arrange(&v->model);
}
