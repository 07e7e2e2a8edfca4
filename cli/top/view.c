/* Reads the live files of a view. */
#include "cli/top/view.h"

#include "base/clock.h"
#include "base/live_name.h"
#include "cli/stats/live_files.h"
#include "cli/who/held.h"

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
  v->waits &= !directory && errno == ENOENT;
  snprintf(v->problem, sizeof v->problem, "%s",
           directory  ? ""
           : v->waits ? "the directory is not there yet"
                      : strerror(errno));
  top_model_begin(&v->model);
  for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;)
    if (is_wanted(v, entry->d_name))
      read_file(v, entry->d_name);
  if (directory)
    closedir(directory);
  top_model_end(&v->model);
  top_model_arrange(&v->model);
}

const top_process *top_selected(const top_view *v) {
  const top_model *m = &v->model;
  return m->selected < m->line_count ? m->lines[m->selected].process : NULL;
}

void top_read_held(top_view *v) {
  char number[24], beside[PATH_MAX + 256], profile[PATH_MAX + 256];
  const top_process *p = top_selected(v);
  if (!v->shows_held)
    return;
  v->held_of = p;
  v->held[0].text[0] = 0;
  v->held_problem = p && p->is_group ? "these are sums: press t, and choose a process" : "";
  if (!p || p->is_group)
    return;
  writer_format_int(number, p->pid);
  snprintf(beside, sizeof beside, "%s/%s", v->directory, p->file);
  v->held_problem = NULL;
  if (!who_find_profile(p->state == STATS_RUNNING ? number : NULL, beside, profile, sizeof profile))
    v->held_problem = "no profile: start it with ARROW_POOL_PROFILE";
  else if (!who_top_lines(profile, TOP_HELD, v->held))
    v->held_problem = "its profile cannot be read";
  else if (!v->held[0].text[0])
    v->held_problem = "nothing lives that was sampled";
}
