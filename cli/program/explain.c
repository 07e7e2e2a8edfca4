/* Looks at what the name leads to: a script that is not executable, a directory, a file that is not in PATH,
 * or a program whose name is spelled otherwise. */
#include "cli/program/explain.h"

#include "cli/base/nearest.h"
#include "cli/base/open_regular.h"
#include "cli/program/program.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns what runs a script: the interpreter of its #! line, else python3 of one in Python; NULL: it is
 * none. */
static const char *interpreter_of(const char *path, char out[256]) {
  const char *ending = strrchr(path, '.');
  FILE *stream = open_regular_stream(path);
  bool read = stream && fgets(out, 256, stream);
  if (stream)
    fclose(stream);
  if (read && strncmp(out, "#!", 2) == 0) {
    size_t blanks = 2 + strspn(out + 2, " \t");
    out[strcspn(out, "\r\n")] = 0;
    return out + blanks;
  }
  return ending && strcmp(ending, ".py") == 0 ? "python3" : NULL;
}

/* Says of a file, or of a directory, that it cannot be executed, and how a script is run all the same. */
static const char *explain_file(const char *path, const char *lead, char *out) {
  struct stat status;
  char line[256];
  if (stat(path, &status))
    return strerror(errno);
  if (S_ISDIR(status.st_mode)) {
    snprintf(out, EXPLAIN_BYTES, "%sit is a directory", lead);
    return out;
  }
  const char *interpreter = interpreter_of(path, line);
  if (interpreter)
    snprintf(out, EXPLAIN_BYTES, "%sit is a script that is not executable: arrowpool run -- %s %s", lead,
             interpreter, path);
  else
    snprintf(out, EXPLAIN_BYTES, "%sit is %s", lead,
             S_ISREG(status.st_mode) ? "not executable" : "no program");
  return out;
}

static bool is_program(int directory, const char *name) {
  struct stat status;
  return fstatat(directory, name, &status, 0) == 0 && S_ISREG(status.st_mode) &&
         faccessat(directory, name, X_OK, 0) == 0;
}

static void try_directory(const char *path, nearest *found, char kept[NAME_MAX + 1]) {
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
    nearest with = *found;
    if (!nearest_try(&with, entry->d_name) || !is_program(dirfd(directory), entry->d_name))
      continue;
    snprintf(kept, NAME_MAX + 1, "%s", entry->d_name);
    with.word = kept;
    *found = with;
  }
  if (directory)
    closedir(directory);
}

/* Returns the name of a program in PATH that is nearest to the command's, in `kept`; NULL: none is near. */
static const char *nearest_program(const char *command, char kept[NAME_MAX + 1]) {
  const char *path = getenv("PATH");
  char directory[PATH_MAX];
  nearest found = nearest_begin(command);
  for (const char *at = path ? path : "/bin:/usr/bin"; *at; at += *at == ':') {
    size_t length = strcspn(at, ":");
    if (length && length < sizeof directory) {
      snprintf(directory, sizeof directory, "%.*s", (int)length, at);
      try_directory(directory, &found, kept);
    }
    at += length;
  }
  return nearest_found(&found);
}

static const char *explain_name(const char *command, char *out) {
  char name[NAME_MAX + 1], here[PATH_MAX];
  const char *equals = strchr(command, '='), *meant;
  struct stat status;
  if (stat(command, &status) == 0 && S_ISREG(status.st_mode) && access(command, X_OK) == 0) {
    snprintf(out, EXPLAIN_BYTES, "it is in no directory of PATH, but here: ./%s", command);
  } else if (*command && stat(command, &status) == 0) {
    snprintf(here, sizeof here, "./%s", command);
    return explain_file(S_ISDIR(status.st_mode) ? here : command,
                        "there is no such program in PATH, and here ", out);
  } else if (equals && equals != command) {
    snprintf(out, EXPLAIN_BYTES,
             "there is no such program in PATH; to set a variable: arrowpool run -- env %s COMMAND", command);
  } else if (*command && (meant = nearest_program(command, name)) != NULL) {
    snprintf(out, EXPLAIN_BYTES, "there is no such program in PATH; the nearest is %s", meant);
  } else {
    return "there is no such program in PATH";
  }
  return out;
}

const char *explain_failure(const char *command, int error, const program *p, const char *problem,
                            char out[EXPLAIN_BYTES]) {
  struct stat status;
  bool is_there = stat(command, &status) == 0;
  if (error == ENOENT && !strchr(command, '/'))
    return explain_name(command, out);
  if (error == EACCES && is_there && (!S_ISREG(status.st_mode) || access(command, X_OK)))
    return explain_file(command, "", out);
  if (error == ENOENT && is_there) {
    snprintf(out, EXPLAIN_BYTES, "what interprets or loads it is not there%s%.512s", problem ? ": " : "",
             problem ? p->path : "");
    return out;
  }
  return error == ENOEXEC && problem ? problem : strerror(error);
}
