/* Keeps the files of `arrowpool serve --textfile` for node_exporter's textfile collector: one for each
 * running process, named like its live file, and one with the rest. Each is written under a name that the
 * collector does not read and renamed. Only names of this pattern are ever removed; all is done in the
 * directory that was opened at the start, and links are never followed. */
#include "base/live_name.h"
#include "cli/base/cli.h"
#include "cli/base/memory.h"
#include "cli/serve/serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING    ".prom"
#define TEMPORARY ".tmp" /* it stands behind the name */
#define REST      "arrowpool-serve" ENDING

static const char *path;
static int folder = -1;
static bool failed; /* writing failed the last time */

typedef struct written {
  char (*names)[64];
  size_t count, room;
  int error; /* the first one */
  char name[64];
} written;

/* ---- names ---- */

/* Returns whether it is arrowpool-PID-START-N.prom or the rest's name, perhaps with the temporary ending. */
static bool serve_textfile_is_ours(const char *name) {
  size_t length = live_name_parse(name, NULL);
  if (strncmp(name, REST, sizeof REST - 1) == 0)
    length = sizeof REST - 1;
  else if (length && strncmp(name + length, ENDING, sizeof ENDING - 1) == 0)
    length += sizeof ENDING - 1;
  else
    return false;
  return !name[length] || strcmp(name + length, TEMPORARY) == 0;
}

/* Makes the name for a live file. Returns false if that is none that the shim makes. */
static bool name_for(const char *live, char out[64]) {
  const char *ending = strrchr(live, '.');
  return snprintf(out, 64, "%.*s" ENDING, (int)(ending - live), live) < 60 && serve_textfile_is_ours(out);
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

/* Removes what is ours, but for what was written just now (sorted). */
static void remove_all_but(const written *w) {
  int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = fd < 0 ? NULL : fdopendir(fd);
  for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
    struct stat status;
    bool is_new = w->count && bsearch(entry->d_name, w->names, w->count, sizeof *w->names, by_text);
    if (!is_new && serve_textfile_is_ours(entry->d_name) &&
        fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
      unlinkat(folder, entry->d_name, 0);
  }
  if (directory)
    closedir(directory);
  else if (fd >= 0)
    close(fd);
}

/* ---- writing ---- */

static int serve_textfile_create(const char *name) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat(folder, name, flags, 0644);
  if (fd < 0 && errno == EEXIST && unlinkat(folder, name, 0) == 0) /* it is left of one that was killed */
    fd = openat(folder, name, flags, 0644);
  return fd;
}

/* Returns 0, or what went wrong. */
static int write_file(const char *name, const serve_page *page) {
  char temporary[64 + sizeof TEMPORARY];
  snprintf(temporary, sizeof temporary, "%s" TEMPORARY, name);
  int fd = serve_textfile_create(temporary), error = fd < 0 ? errno : 0;
  for (size_t done = 0; !error && done < page->size;) {
    ssize_t wrote = write(fd, page->text + done, page->size - done);
    if (wrote > 0)
      done += (size_t)wrote;
    else if (errno != EINTR)
      error = errno;
  }
  if (!error && fchmod(fd, 0644)) /* the umask may have taken the collector's right to read it */
    error = errno;
  if (fd >= 0 && close(fd) && !error)
    error = errno;
  if (!error && renameat(folder, temporary, folder, name))
    error = errno;
  if (error && fd >= 0)
    unlinkat(folder, temporary, 0);
  return error;
}

static void add_file(written *w, const char *name, const serve_page *page) {
  w->names = memory_one_more(w->names, w->count, &w->room, sizeof *w->names);
  strcpy(w->names[w->count++], name);
  int error = write_file(name, page);
  if (error && !w->error) {
    w->error = error;
    strcpy(w->name, name);
  }
}

static void write_process(void *context, const char *live, const stats *f, const serve_lines *lines) {
  char name[64];
  serve_page page = {0};
  serve_tables tables;
  if (!name_for(live, name))
    return;
  serve_tables_init(&tables);
  serve_tables_add(&tables, f, 0, false);
  if (lines)
    serve_tables_add_lines(&tables, f, lines);
  serve_page_write_tables(&page, &tables);
  add_file(context, name, &page);
  serve_tables_clear(&tables);
  serve_page_free(&page);
}

static void write_rest(written *w, const serve_files *files) {
  serve_page page = {0};
  serve_tables tables;
  serve_tables_init(&tables);
  if (files->by)
    serve_files_add_up(files, &tables);
  serve_page_write_tables(&page, &tables);
  serve_page_write_own(&page, files, &tables, NULL);
  add_file(w, REST, &page);
  serve_tables_clear(&tables);
  serve_page_free(&page);
}

bool serve_textfile_write(const serve_files *files) {
  written w = {0};
  if (!files->by)
    serve_files_each(files, write_process, &w);
  write_rest(&w, files);
  qsort(w.names, w.count, sizeof *w.names, by_text);
  remove_all_but(&w);
  free(w.names);
  if (w.error && !failed)
    cli_failure("serve: %s/%s: %s", path, w.name, strerror(w.error));
  failed = w.error != 0;
  return !failed;
}

int serve_textfile_start(const char *directory) {
  path = directory;
  folder = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || faccessat(folder, ".", R_OK | W_OK | X_OK, AT_EACCESS))
    return cli_failure("serve: --textfile=%s: %s%s", directory, strerror(errno),
                       strstr(directory, ENDING) ? ": it takes the directory for such files" : "");
  return CLI_OK;
}

void serve_textfile_stop(bool remove) {
  if (folder < 0)
    return;
  if (remove)
    remove_all_but(&(written){0});
  close(folder);
}
