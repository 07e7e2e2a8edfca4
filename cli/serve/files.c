/* Finds and reads the live files, and knows which of their processes are gone. */
#include "cli/serve/files.h"

#include "base/clock.h"
#include "base/live_name.h"
#include "cli/base/find_files.h"
#include "cli/base/memory.h"
#include "cli/stats/live_files.h"
#include "cli/who/held.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum file_state {
  FILE_NEW,
  FILE_RUNNING,
  FILE_UNREADABLE,
  FILE_ELSEWHERE, /* its process cannot be seen from here */
  FILE_DYING,
  FILE_DEAD,
  FILE_VANISHED
} file_state;

typedef struct serve_file {
  char *path;
  file_state state;
  stats_state final_state; /* it is known of one that is dying or dead */
  stats *stats;            /* as last read, of one that is not dead; NULL: it was never read */
  char *profile;           /* where its profile was found; NULL: nowhere yet */
  serve_lines *lines;      /* of that, of a process that is shown; NULL: there are none */
  int64_t dead_since;      /* when that was seen (ms): a file's own time can be that of its beginning */
} file;

/* ---- one file ---- */

static void drop_figures(file *f) {
  if (f->stats)
    stats_free(f->stats);
  free(f->stats);
  free(f->lines);
  f->stats = NULL;
  f->lines = NULL;
}

/* Finds the profile of a running process. What is found stays its own: its name has the process's start. */
static bool find_profile(file *f) {
  char number[24], path[PATH_MAX + 256];
  if (f->profile)
    return true;
  writer_format_int(number, f->stats->process.pid);
  if (!who_find_profile(NULL, f->path, path, sizeof path) &&
      !who_find_profile(number, NULL, path, sizeof path))
    return false;
  f->profile = memory_copy(path);
  return true;
}

static void read_lines(const serve_files *s, file *f) {
  free(f->lines);
  f->lines = NULL;
  if (!s->lines || f->state != FILE_RUNNING || !find_profile(f))
    return;
  f->lines = memory_zeroed(1, sizeof *f->lines);
  if (who_top_lines(f->profile, s->lines, f->lines->all))
    f->lines->count = s->lines;
}

/* Has the process count no more. Its counters stay with its group. */
static void retire(serve_files *s, file *f, stats_state final_state) {
  if (s->by && f->stats)
    serve_tables_add(&s->gone, f->stats, s->by, true);
  drop_figures(f);
  f->state = FILE_DEAD;
  f->final_state = final_state;
  f->dead_since = clock_milliseconds();
}

/* Reads a file. When a process is first seen to be gone, what was read may be of just before its end, when it
 * still counted, or had not yet said that it ends in an orderly way: it is read once more, next time. */
static void look_at(serve_files *s, file *f) {
  stats read;
  bool was_dying = f->state == FILE_DYING;
  const char *problem = stats_read_live(f->path, &read);
  if (problem) {
    f->state = strcmp(problem, strerror(ENOENT)) == 0 ? FILE_VANISHED : FILE_UNREADABLE;
    return;
  }
  if (!f->stats)
    f->stats = memory_zeroed(1, sizeof *f->stats);
  stats_free(f->stats);
  *f->stats = read;
  f->final_state = read.state;
  f->state = read.state == STATS_RUNNING   ? FILE_RUNNING
             : read.state == STATS_UNKNOWN ? FILE_ELSEWHERE
                                           : FILE_DYING;
  if (f->state == FILE_ELSEWHERE)
    drop_figures(f);
  if (was_dying && f->state == FILE_DYING)
    retire(s, f, read.state);
  read_lines(s, f);
}

/* ---- finding them ---- */

typedef struct search {
  serve_files *files;
  char **paths;
  size_t count, room;
} search;

/* What was named is the directory, which is none any more, or not yet. */
static void serve_files_note(void *context, const char *path, bool named) {
  search *found = context;
  found->files->unreadable_directories += named && !found->files->waits;
  if (named || !live_name_is(basename(path), NULL))
    return;
  found->paths = memory_one_more(found->paths, found->count, &found->room, sizeof *found->paths);
  found->paths[found->count++] = memory_copy(path);
}

static void serve_files_complain(void *context, const char *path, const char *problem) {
  (void)path, (void)problem;
  ((search *)context)->files->unreadable_directories++;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Returns whether a file that was not found is looked at all the same: its directory could not be read. */
static bool may_be_there(const serve_files *s, const file *f) {
  return s->unreadable_directories && (access(f->path, F_OK) == 0 || errno != ENOENT);
}

static void forget(serve_files *s, file *f) {
  retire(s, f, STATS_ENDED);
  free(f->profile);
  free(f->path);
}

/* Puts the files that are there now in the place of those that were there; what is known of them stays. */
static void find_all(serve_files *s) {
  search found = {.files = s};
  s->waits &= access(s->directory, F_OK) != 0 && errno == ENOENT;
  find_files(s->directory, serve_files_note, serve_files_complain, &found);
  if (found.count)
    qsort(found.paths, found.count, sizeof *found.paths, by_text);
  file *files = memory_grow(NULL, found.count + s->count + 1, sizeof *files);
  size_t count = 0, old = 0, new = 0;
  while (old < s->count || new < found.count) {
    file *f = &s->files[old];
    int order = old == s->count ? 1 : new == found.count ? -1 : strcmp(f->path, found.paths[new]);
    if (order > 0)
      files[count++] = (file){.path = found.paths[new ++]};
    else if (order == 0 || may_be_there(s, f))
      files[count++] = *f;
    else
      forget(s, f);
    if (order == 0)
      free(found.paths[new ++]);
    old += order <= 0;
  }
  s->found = (int64_t)found.count;
  free(found.paths);
  free(s->files);
  s->files = files;
  s->count = count;
}

/* ---- a reading ---- */

/* Reads those that are known first, so that a process that is shown stays so. */
static void serve_files_read_all(serve_files *s) {
  size_t running = 0;
  for (size_t i = 0; i < s->count; i++) {
    file *f = &s->files[i];
    if (f->state != FILE_NEW && f->state != FILE_DEAD && f->state != FILE_VANISHED)
      look_at(s, f);
    running += f->state == FILE_RUNNING;
  }
  for (size_t i = 0; i < s->count; i++) {
    file *f = &s->files[i];
    if (f->state == FILE_NEW && running < s->most) {
      look_at(s, f);
      running += f->state == FILE_RUNNING;
    }
  }
}

static void drop_vanished(serve_files *s) {
  size_t kept = 0;
  for (size_t i = 0; i < s->count; i++) {
    file *f = &s->files[i];
    if (f->state == FILE_VANISHED)
      forget(s, f);
    else
      s->files[kept++] = *f;
  }
  s->count = kept;
}

static int by_process(const void *a, const void *b) {
  const file *one = *(file *const *)a, *other = *(file *const *)b;
  const stats *f = one->stats, *g = other->stats;
  int order = strcmp(f->process.host, g->process.host);
  order = order ? order : (f->process.pid > g->process.pid) - (f->process.pid < g->process.pid);
  order = order ? order
                : (f->process.start_time > g->process.start_time) -
                      (f->process.start_time < g->process.start_time);
  return order ? order : strcmp(one->path, other->path);
}

/* Leaves a process one file at a time: the last one. Another of the same number is that of the program that
 * it was before, or made up. */
static void replace_older(serve_files *s) {
  file **running = memory_grow(NULL, s->count + 1, sizeof(file *));
  size_t count = 0;
  for (size_t i = 0; i < s->count; i++)
    if (s->files[i].state == FILE_RUNNING)
      running[count++] = &s->files[i];
  if (count)
    qsort(running, count, sizeof *running, by_process);
  for (size_t i = 0; i + 1 < count; i++) {
    const stats *one = running[i]->stats, *next = running[i + 1]->stats;
    if (one->process.pid == next->process.pid && strcmp(one->process.host, next->process.host) == 0)
      retire(s, running[i], STATS_REPLACED);
  }
  free(running);
}

static void remove_old(serve_files *s) {
  int64_t now = clock_milliseconds();
  for (size_t i = 0; i < s->count && s->remove_after >= 0; i++) {
    file *f = &s->files[i];
    struct stat status;
    if (f->state != FILE_DEAD || now - f->dead_since < s->remove_after || lstat(f->path, &status) ||
        !S_ISREG(status.st_mode) || unlink(f->path))
      continue;
    s->removed++;
    f->state = FILE_VANISHED;
  }
}

static void count_all(serve_files *s) {
  memset(s->states, 0, sizeof s->states);
  s->damaged = s->left_out = s->lost = 0;
  for (size_t i = 0; i < s->count; i++) {
    const file *f = &s->files[i];
    if (f->state == FILE_RUNNING || f->state == FILE_ELSEWHERE || f->state == FILE_DYING ||
        f->state == FILE_DEAD)
      s->states[f->final_state]++;
    s->damaged += f->state == FILE_UNREADABLE;
    s->left_out += f->state == FILE_NEW;
    s->lost += f->state == FILE_RUNNING ? f->stats->lost : 0;
  }
}

void serve_files_read(serve_files *s) {
  int64_t start = clock_microseconds();
  if (!s->gone.pools.families)
    serve_tables_init(&s->gone);
  s->unreadable_directories = 0;
  s->readings++;
  find_all(s);
  serve_files_read_all(s);
  replace_older(s);
  count_all(s);
  remove_old(s);
  drop_vanished(s);
  s->time = clock_since_epoch();
  s->microseconds = clock_microseconds() - start;
}

/* ---- what is shown ---- */

void serve_files_add_up(const serve_files *s, serve_tables *out) {
  serve_rows_add_all(&out->processes, &s->gone.processes);
  serve_rows_add_all(&out->pools, &s->gone.pools);
  for (size_t i = 0; i < s->count; i++) {
    const file *f = &s->files[i];
    if (f->state == FILE_RUNNING || (s->by && f->stats))
      serve_tables_add(out, f->stats, s->by, f->state != FILE_RUNNING);
    if (f->state == FILE_RUNNING && f->lines)
      serve_tables_add_lines(out, f->stats, f->lines);
  }
}

void serve_files_each(const serve_files *s, serve_files_take each, void *context) {
  for (size_t i = 0; i < s->count; i++)
    if (s->files[i].state == FILE_RUNNING)
      each(context, basename(s->files[i].path), s->files[i].stats, s->files[i].lines);
}

void serve_files_free(serve_files *s) {
  for (size_t i = 0; i < s->count; i++) {
    drop_figures(&s->files[i]);
    free(s->files[i].profile);
    free(s->files[i].path);
  }
  free(s->files);
  if (s->gone.pools.families)
    serve_tables_clear(&s->gone);
}
