/* Follows a command to its program, and judges that. */
#include "cli/program/program.h"

#include "cli/base/open_regular.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MOST_STEPS 6 /* the kernel follows four scripts; env may come in between */

/* ---- PATH ---- */

static int check_file(const char *path) {
  struct stat status;
  if (stat(path, &status))
    return errno;
  return S_ISREG(status.st_mode) && access(path, X_OK) == 0 ? 0 : EACCES;
}

int program_find(const char *name, char *out) {
  const char *path = getenv("PATH");
  int error = ENOENT;
  if (!*name)
    return ENOENT;
  if (strchr(name, '/')) {
    snprintf(out, PATH_MAX, "%s", name);
    return check_file(out);
  }
  for (const char *at = path ? path : "/bin:/usr/bin";; at++) {
    size_t length = strcspn(at, ":");
    if (snprintf(out, PATH_MAX, "%.*s%s%s", (int)length, at, length ? "/" : "", name) < PATH_MAX) {
      int found = check_file(out);
      if (!found)
        return 0;
      error = found == EACCES ? EACCES : error;
    }
    at += length;
    if (!*at)
      break;
  }
  snprintf(out, PATH_MAX, "%s", name);
  return error;
}

/* ---- arguments ---- */

/* Replaces the first `drop` arguments by `count` others. Returns false if they are too many. */
static bool replace_first(program *p, size_t drop, char *const others[], size_t count) {
  size_t have = 0;
  while (p->arguments[have])
    have++;
  if (have - drop + count + 1 > PROGRAM_MOST_ARGUMENTS)
    return false;
  memmove(p->arguments + count, p->arguments + drop, (have - drop + 1) * sizeof *p->arguments);
  for (size_t i = 0; i < count; i++)
    p->arguments[i] = others[i];
  return true;
}

static char *program_keep(program *p, const char *text) {
  for (size_t i = 0; i < sizeof p->lines / sizeof *p->lines; i++)
    if (!p->lines[i])
      return p->lines[i] = strdup(text);
  return NULL;
}

/* Splits at spaces, as env -S does for what has no quotes. */
static size_t split(char *text, char *out[], size_t most) {
  size_t count = 0;
  for (char *rest, *word = strtok_r(text, " \t", &rest); word && count < most;
       word = strtok_r(NULL, " \t", &rest))
    out[count++] = word;
  return count;
}

/* ---- one step ---- */

static void note_step(program *p) {
  size_t used = strlen(p->via);
  snprintf(p->via + used, sizeof p->via - used, "%s, ", p->path);
}

/* Puts the interpreter of a script's #! line, with at most one argument, in its place. */
static const char *step_script(program *p, const char *head) {
  char line[256], *words[2] = {NULL, NULL};
  size_t length = strcspn(head + 2, "\n");
  snprintf(line, sizeof line, "%.*s", (int)length, head + 2);
  char *interpreter = line + strspn(line, " \t"), *end = line + strlen(line);
  while (end > interpreter && (end[-1] == ' ' || end[-1] == '\t'))
    *--end = 0;
  size_t name = strcspn(interpreter, " \t");
  if (!name)
    return "its #! line names no interpreter";
  char *argument = interpreter + name;
  if (*argument) {
    *argument++ = 0;
    words[1] = program_keep(p, argument + strspn(argument, " \t"));
  }
  words[0] = program_keep(p, interpreter);
  char *script = program_keep(p, p->path);
  if (!words[0] || !script)
    return strerror(ENOMEM);
  p->arguments[0] = script;
  return replace_first(p, 0, words, words[1] ? 2 : 1) ? NULL : strerror(E2BIG);
}

static void note_setting(program *p, char *setting) {
  size_t count = 0;
  while (p->settings[count])
    count++;
  if (count + 1 < sizeof p->settings / sizeof *p->settings)
    p->settings[count] = setting;
}

/* Puts the command after env's options and assignments in its place. Returns false if there is none. */
static bool step_env(program *p) {
  size_t at = 1;
  for (char *word; (word = p->arguments[at]) != NULL && (*word == '-' || strchr(word, '=')); at++) {
    if (*word != '-')
      note_setting(p, word);
    bool takes_value = strcmp(word, "-u") == 0 || strcmp(word, "-C") == 0;
    p->drops_environment |=
        strcmp(word, "-") == 0 || strcmp(word, "-i") == 0 || strcmp(word, "--ignore-environment") == 0 ||
        strcmp(word, "-uLD_PRELOAD") == 0 || strcmp(word, "--unset=LD_PRELOAD") == 0 ||
        (strcmp(word, "-u") == 0 && p->arguments[at + 1] && strcmp(p->arguments[at + 1], "LD_PRELOAD") == 0);
    if (strncmp(word, "-S", 2) == 0) {
      char *words[PROGRAM_MOST_ARGUMENTS],
          *text = program_keep(p, word[2]                ? word + 2
                                  : p->arguments[at + 1] ? p->arguments[at + 1]
                                                         : "");
      size_t count = text ? split(text, words, PROGRAM_MOST_ARGUMENTS) : 0;
      if (!replace_first(p, at + (word[2] || !p->arguments[at + 1] ? 1 : 2), words, count))
        return false;
      at = (size_t)-1; /* what was split may begin with assignments */
    } else if (takes_value && p->arguments[at + 1]) {
      at++;
    }
  }
  return p->arguments[at] && replace_first(p, at, NULL, 0);
}

/* Reads the first bytes of a file, with zeros behind them. Returns NULL, or what is wrong. */
static const char *read_head(const char *path, char *out, size_t size) {
  memset(out, 0, size);
  const char *problem;
  int fd = open_regular(path, NULL, &problem);
  if (problem)
    return problem;
  ssize_t length = read(fd, out, size - 1);
  problem = length < 0 ? strerror(errno) : length == 0 ? "it is empty" : NULL;
  if (length > 0 && memcmp(out, "\177ELF", 4) != 0 &&
      (strlen(out) < (size_t)length || strpbrk(out, "\1\2\3\4\5\6")))
    problem = "it is neither a program nor a script";
  close(fd);
  return problem;
}

static const char *follow(program *p) {
  static char shell[] = "/bin/sh";
  for (int step = 0; step < MOST_STEPS; step++) {
    char head[256];
    int error = program_find(p->arguments[0], p->path);
    const char *problem = error ? strerror(error) : read_head(p->path, head, sizeof head);
    if (problem)
      return problem;
    if (memcmp(head, "\177ELF", 4) != 0) {
      if (memcmp(head, "#!", 2) == 0)
        problem = step_script(p, head);
      else /* what the kernel refuses, execvp and shells give to the shell */
        problem = (p->arguments[0] = program_keep(p, p->path)) && replace_first(p, 0, (char *[]){shell}, 1)
                      ? NULL
                      : strerror(E2BIG);
      if (problem)
        return problem;
      note_step(p);
      continue;
    }
    p->is_elf = true;
    problem = elf_file_open(p->path, &p->elf);
    if (problem || strcmp(basename(p->path), "env") != 0 || !step_env(p))
      return problem;
    elf_file_close(&p->elf);
    p->is_elf = false;
    note_step(p);
  }
  return "its #! lines go round in a circle, or too far";
}

const char *program_open(char *const command[], program *out) {
  memset(out, 0, sizeof *out);
  out->elf.fd = -1;
  for (size_t i = 0; i < PROGRAM_MOST_ARGUMENTS - 8 && command[i]; i++)
    out->arguments[i] = command[i];
  const char *problem = follow(out);
  if (problem)
    program_close(out);
  else if (!realpath(out->path, out->real))
    snprintf(out->real, sizeof out->real, "%s", out->path);
  return problem;
}

const char *program_open_file(const char *path, program *out) {
  memset(out, 0, sizeof *out);
  snprintf(out->path, sizeof out->path, "%s", path);
  if (!realpath(path, out->real))
    snprintf(out->real, sizeof out->real, "%s", path);
  return elf_file_open(path, &out->elf);
}

void program_close(program *p) {
  elf_file_close(&p->elf);
  for (size_t i = 0; i < sizeof p->lines / sizeof *p->lines; i++) {
    free(p->lines[i]);
    p->lines[i] = NULL;
  }
}

/* ---- the verdict ---- */

/* Returns what makes the kernel tell the loader to trust nothing of the environment, or NULL. It is as in the
 * kernel: an identity that changes, or capabilities gained by who is not root. */
static const char *gains_rights(const program *p) {
  struct stat status;
  struct statvfs system;
  char capabilities[64];
  if (fstat(p->elf.fd, &status) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
      (!fstatvfs(p->elf.fd, &system) && (system.f_flag & ST_NOSUID)))
    return NULL;
  if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
    return "it is set-user-ID";
  if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid())
    return "it is set-group-ID";
  if (getuid() != 0 && fgetxattr(p->elf.fd, "security.capability", capabilities, sizeof capabilities) > 0)
    return "it has file capabilities";
  return NULL;
}

program_verdict program_judge(const program *p, char *out) {
  const char *loader = basename(p->elf.interpreter), *rights;
  if (!p->elf.fits) {
    snprintf(out, 300, "it is %s, and the shim is not", p->elf.machine);
    return PROGRAM_FOREIGN;
  }
  bool is_loader =
      p->elf.soname && strncmp(p->elf.soname, "ld-linux", 8) == 0; /* it preloads for its argument */
  if (!*loader && !is_loader) {
    snprintf(out, 300, "it is linked statically, so no loader runs that could preload anything");
    return PROGRAM_STATIC;
  }
  if ((rights = gains_rights(p)) != NULL) {
    snprintf(out, 300, "%s, and the loader ignores LD_PRELOAD in such programs", rights);
    return PROGRAM_SECURE;
  }
  if (!is_loader && strncmp(loader, "ld-linux", 8) != 0) {
    snprintf(out, 300, "its loader is %.200s, which is not glibc's%s", loader,
             strncmp(loader, "ld-musl", 7) == 0 ? " but musl's" : "");
    return PROGRAM_OTHER_LIBC;
  }
  return PROGRAM_PRELOADS;
}
