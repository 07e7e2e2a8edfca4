/* Asks the loader, and reads its list. `--list` is given first: no loader starts the file then. It stops at a
 * library that is missing. Only then it is asked as ldd asks, by LD_TRACE_LOADED_OBJECTS, which lists the
 * others too: a program that lacks a library could not start anyway. */
#include "cli/program/libraries.h"

#include "cli/base/memory.h"
#include "cli/program/ask.h"
#include "cli/program/environment.h"
#include "cli/program/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- whom to ask ---- */

/* Returns why that loader is not run; NULL if it may be. */
static const char *libraries_refuse(const char *loader, char *out, size_t size) {
  static program judged; /* it is static because it is large */
  struct stat status;
  char reason[300];
  if (*loader != '/')
    return "is not asked: its name is no absolute path";
  const char *problem = program_open_file(loader, &judged);
  if (problem) {
    snprintf(out, size, "is not asked: %s", problem);
    return out;
  }
  if (fstat(judged.elf.fd, &status) || (status.st_uid != 0 && status.st_uid != geteuid()) ||
      (status.st_mode & S_IWOTH)) {
    problem = "is not asked: somebody else than root and this user may have made it";
  } else if (program_judge(&judged, reason) != PROGRAM_PRELOADS || *judged.elf.interpreter) {
    problem = "is not asked: it is no loader of glibc's";
  }
  program_close(&judged);
  return problem;
}

/* Makes the environment, with `extra` in place of what makes a loader do other things than find libraries. */
static char **make_environment(char *const environment[], char *extra) {
  char **made = environment_with(environment, (char *[]){extra, NULL}), **end = made;
  for (char **at = made; *at; at++)
    if (*at == extra || strncmp(*at, "LD_", 3) != 0 || strncmp(*at, "LD_LIBRARY_PATH=", 16) == 0)
      *end++ = *at;
  *end = NULL;
  return made;
}

/* ---- what it says ---- */

/* A line is "\tNAME => PATH (ADDRESS)", "\tNAME => not found" or "\tPATH (ADDRESS)". */
static bool read_line(char *line, library *out) {
  char *name = line + strspn(line, " \t"), *arrow = strstr(name, " => "), *path = arrow ? arrow + 4 : name;
  char *address = NULL;
  for (char *at = path; (at = strstr(at, " (0x")) != NULL; at++)
    address = at;
  if (arrow)
    *arrow = 0;
  if (address)
    *address = 0;
  bool missing = arrow && !address && strcmp(path, "not found") == 0;
  if (!missing && (!address || !strchr(path, '/'))) /* it is the kernel's own, or nothing that we know */
    return false;
  *out = (library){basename(name), missing ? NULL : path};
  return true;
}

void libraries_read(char *text, libraries *out) {
  size_t most = 1;
  for (char *at = text; (at = strchr(at, '\n')) != NULL; at++)
    most++;
  out->count = 0;
  out->all = memory_zeroed(most, sizeof *out->all);
  for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
    out->count += read_line(line, &out->all[out->count]);
}

static bool ask_loader(char *const arguments[], char *const environment[], char *extra, ask_answer *out) {
  char **made = make_environment(environment, extra);
  ask_question question = {arguments[0], arguments, made, NULL};
  bool answered = ask(&question, out);
  free(made);
  return answered;
}

bool libraries_ask(const char *loader, const char *file, char *const environment[], libraries *out) {
  static char trace[] = "LD_TRACE_LOADED_OBJECTS=1";
  char reason[300], own[PATH_MAX], asked[PATH_MAX], list[] = "--list";
  ask_answer answer = {0};
  *out = (libraries){0};
  const char *refused = libraries_refuse(loader, reason, sizeof reason);
  if (refused) {
    snprintf(out->problem, sizeof out->problem, "%s", refused);
    return false;
  }
  snprintf(own, sizeof own, "%s", loader);
  snprintf(asked, sizeof asked, "%s", file);
  snprintf(out->asked, sizeof out->asked, "%s %s", own, list);
  bool answered = ask_loader((char *[]){own, list, asked, NULL}, environment, NULL, &answer);
  if (!answered && strstr(answer.problem, ": cannot open shared object file: ")) {
    ask_free(&answer);
    snprintf(out->asked, sizeof out->asked, "%s %s", trace, own);
    answered = ask_loader((char *[]){own, asked, NULL}, environment, trace, &answer);
  }
  out->text = answer.text;
  if (answered)
    libraries_read(out->text, out);
  else
    snprintf(out->problem, sizeof out->problem, "%s", answer.problem);
  return answered;
}

void libraries_free(libraries *l) {
  free(l->all);
  free(l->text);
  l->all = NULL;
  l->text = NULL;
  l->count = 0;
}

const library *libraries_named(const libraries *l, const char *prefix) {
  for (size_t i = 0; i < l->count; i++)
    if (strncmp(l->all[i].name, prefix, strlen(prefix)) == 0)
      return &l->all[i];
  return NULL;
}
