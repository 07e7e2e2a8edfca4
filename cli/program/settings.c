/* Goes by what the shim does: of a dump's path the directory has to be there; of a directory for live files
 * or profiles its last part is made. */
#include "cli/program/settings.h"

#include "cli/base/nearest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- words that are no path ---- */

/* Returns whether it is a word that says something else, and would become the name of a file or directory. */
static bool is_meant_otherwise(const char *text) {
  static const char *const words[] = {"-",    "0",     "1",      "on",   "no",    "yes",  "none",
                                      "true", "false", "stdout", "json", "jsonl", "text", "prometheus"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(text, words[i]) == 0)
      return true;
  return false;
}

/* ---- directories ---- */

/* Writes the directory of a path; "." of a mere name. */
static void directory_of(const char *path, char out[PATH_MAX]) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/')
    length--;
  while (length && path[length - 1] != '/')
    length--;
  while (length > 1 && path[length - 1] == '/')
    length--;
  snprintf(out, PATH_MAX, "%.*s", (int)length, path);
  if (!length)
    strcpy(out, ".");
}

static const char *judge_directory(const char *path, char out[SETTINGS_BYTES]) {
  struct stat status;
  int error = stat(path, &status) ? errno : !S_ISDIR(status.st_mode) ? ENOTDIR : 0;
  if (!error && access(path, W_OK | X_OK))
    error = errno;
  if (!error)
    return NULL;
  snprintf(out, SETTINGS_BYTES, "%s: %s", path, strerror(error));
  return out;
}

static const char *judge_live_directory(const char *path, char out[SETTINGS_BYTES]) {
  char parent[PATH_MAX];
  struct stat status;
  if (stat(path, &status) == 0 || errno != ENOENT)
    return judge_directory(path, out);
  directory_of(path, parent);
  return judge_directory(parent, out);
}

/* ---- destinations ---- */

/* Fills in what is known of a dump's path before the process is there. Returns what is left of the path: from
 * the first placeholder on that is not. */
static const char *expand(const char *path, char out[PATH_MAX]) {
  struct utsname here;
  size_t used = 0;
  uname(&here);
  for (*out = 0; *path && used < PATH_MAX - 1; path++) {
    const char *known = path[1] == 'h' ? here.nodename : path[1] == '%' ? "%" : NULL;
    if (*path == '%' && !known)
      break;
    if (*path == '%')
      path++;
    else
      known = NULL;
    used += (size_t)snprintf(out + used, PATH_MAX - used, known ? "%s" : "%.1s", known ? known : path);
  }
  return path;
}

/* Returns the ending of the file's name, with its dot; NULL: there is none that says anything. */
static const char *ending_of(const char *path) {
  const char *name = strrchr(path, '/'), *ending = strrchr(name ? name : path, '.');
  bool says = ending && ending[1] && !strpbrk(ending, "%0123456789");
  return says ? ending : NULL;
}

static const char *judge_ending(const char *path) {
  static const char *const text[] = {".txt", ".text", ".log", ".out", ".err", ".stats", ".tmp"};
  static const char *const others[] = {".json", ".jsonl", ".prom"};
  const char *ending = ending_of(path);
  bool known = !ending;
  for (size_t i = 0; !known && i < sizeof text / sizeof *text; i++)
    known = strcmp(ending, text[i]) == 0;
  for (size_t i = 0; !known && i < sizeof others / sizeof *others; i++)
    known = strcmp(ending, others[i]) == 0;
  return known ? NULL
               : "its ending says no format: choose .json, .jsonl, .prom or .txt, or one by --stats-format";
}

/* Judges the directory of a path, whose last part it is not. What lies below a directory that only the
 * process can name is its matter. */
static const char *judge_place(char *path, const char *rest, char out[SETTINGS_BYTES]) {
  char *slash = strrchr(path, '/');
  if (strchr(rest, '/'))
    return slash && slash > path && (*slash = 0, access(path, X_OK)) ? judge_directory(path, out) : NULL;
  if (slash)
    slash[slash == path] = 0;
  return judge_directory(slash ? path : ".", out);
}

static const char *judge_destination(const char *path, bool format_given, char out[SETTINGS_BYTES]) {
  char expanded[PATH_MAX];
  struct stat status;
  const char *rest = expand(path, expanded);
  bool is_there = !*rest && stat(expanded, &status) == 0;
  if (is_there && S_ISDIR(status.st_mode))
    return "it is a directory";
  if (is_there && !S_ISREG(status.st_mode))
    return access(expanded, W_OK) ? strerror(errno) : NULL;
  const char *problem = format_given ? NULL : judge_ending(path);
  return problem ? problem : judge_place(expanded, rest, out);
}

/* ---- the options ---- */

const char *settings_judge(const options *settings, int option, char out[SETTINGS_BYTES]) {
  const options_value *value = &settings->values[option];
  options_kind kind = options_table[option].kind;
  bool is_path = kind == OPTIONS_DESTINATION || kind == OPTIONS_DIRECTORY;
  if (!is_path || !value->given || !value->text || strcmp(value->text, "stderr") == 0)
    return NULL;
  if (is_meant_otherwise(value->text)) {
    snprintf(out, SETTINGS_BYTES, "choose %s; a file or directory of that name is ./%s",
             options_table[option].values, value->text);
    return out;
  }
  return kind == OPTIONS_DIRECTORY
             ? judge_live_directory(value->text, out)
             : judge_destination(value->text, settings->values[OPTION_STATS_FORMAT].given, out);
}

int settings_parent(int option) {
  const char *name = options_table[option].variable;
  for (int id = 0; id < OPTION_COUNT; id++) {
    const char *other = options_table[id].variable;
    size_t length = strlen(other);
    if (id != OPTION_POOL && strncmp(name, other, length) == 0 && name[length] == '_')
      return id;
  }
  return -1;
}

const char *settings_make_directory(const options *settings, int option, char out[SETTINGS_BYTES]) {
  const options_value *value = &settings->values[option];
  if (options_table[option].kind != OPTIONS_DIRECTORY || !value->given || !value->text ||
      mkdir(value->text, 0700) == 0 || errno == EEXIST)
    return NULL;
  snprintf(out, SETTINGS_BYTES, "it cannot be made: %s", strerror(errno));
  return out;
}
