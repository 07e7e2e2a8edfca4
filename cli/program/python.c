/* See python.h. The order of things is that of CPython's Modules/getpath.py and Lib/site.py. */
#include "cli/program/python.h"

#include "cli/base/open_regular.h"

#include <glob.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool python_is(const program *p) {
  elf_symbol main_function = {.name = "Py_BytesMain"};
  elf_file_find(&p->elf, false, &main_function, 1);
  return main_function.defined || main_function.undefined;
}

/* ---- paths ---- */

/* The directory of a path, in place; false at the root. */
static bool climb(char *path) {
  char *slash = strrchr(path, '/');
  if (!slash || slash == path)
    return false;
  *slash = 0;
  return true;
}

__attribute__((format(printf, 3, 4))) static bool join(char *out, const char *directory, const char *format,
                                                       ...) {
  va_list arguments;
  char tail[PATH_MAX];
  va_start(arguments, format);
  /* The analyzer does not see va_start begin it: NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
  int length = vsnprintf(tail, sizeof tail, format, arguments);
  va_end(arguments);
  return length < PATH_MAX && snprintf(out, PATH_MAX, "%s/%s", directory, tail) < PATH_MAX;
}

/* glob below a directory, whose own name is taken as it is. False: nothing is found. */
static bool glob_below(const char *directory, const char *pattern, glob_t *out) {
  char whole[2 * PATH_MAX + 64];
  size_t used = 0;
  for (; *directory && used < sizeof whole - 64; directory++) {
    if (strchr("*?[\\", *directory))
      whole[used++] = '\\';
    whole[used++] = *directory;
  }
  snprintf(whole + used, sizeof whole - used, "/%s", pattern);
  return glob(whole, 0, NULL, out) == 0;
}

/* "3.11" from "python3.11", "libpython3.11.so.1.0" or "3.11.2". */
static bool read_version(const char *text, char *out) {
  const char *at = strstr(text, "3.");
  size_t digits = at ? strspn(at + 2, "0123456789") : 0;
  if (!digits || digits > 3)
    return false;
  sprintf(out, "%.*s", (int)digits + 2, at);
  return true;
}

/* ---- where the interpreter lives ---- */

/* A line `key = value` of pyvenv.cfg. */
static bool read_key(const char *path, const char *key, char *out, size_t size) {
  char line[PATH_MAX + 64];
  bool found = false;
  FILE *file = open_regular_stream(path);
  while (file && !found && fgets(line, sizeof line, file)) {
    char *value = strchr(line, '=');
    size_t length = strspn(line, "abcdefghijklmnopqrstuvwxyz-_");
    if (!value || strncmp(line, key, length) != 0 || strlen(key) != length)
      continue;
    value += 1 + strspn(value + 1, " \t");
    value[strcspn(value, "\r\n")] = 0;
    snprintf(out, size, "%s", value);
    found = true;
  }
  if (file)
    fclose(file);
  return found;
}

/* pyvenv.cfg lies beside the interpreter, as it was called, or one up. */
static bool find_venv(const program *p, char *config, char *venv) {
  snprintf(venv, PATH_MAX, "%s", p->path);
  for (int up = 0; up < 2 && climb(venv); up++)
    if (join(config, venv, "%s", "pyvenv.cfg") && access(config, R_OK) == 0)
      return true;
  *venv = 0;
  return false;
}

/* Whether the standard library is there; of which version, if that is not known yet. */
static bool has_library(const char *prefix, const char *lib, python *out) {
  char landmark[PATH_MAX], pattern[64];
  glob_t found;
  if (*out->version)
    return join(landmark, prefix, "%s/python%s/os.py", lib, out->version) && access(landmark, F_OK) == 0;
  snprintf(pattern, sizeof pattern, "%s/python3.*/os.py", lib);
  if (!glob_below(prefix, pattern, &found))
    return false;
  char *path = found.gl_pathv[found.gl_pathc - 1];
  climb(path); /* os.py */
  bool known = read_version(strrchr(path, '/'), out->version);
  globfree(&found);
  return known;
}

/* The installation: the nearest directory above the interpreter that has the standard library. */
static bool find_prefix(const char *start, python *out, char *prefix) {
  snprintf(prefix, PATH_MAX, "%s", start);
  while (climb(prefix))
    if (has_library(prefix, "lib", out) || has_library(prefix, "lib64", out))
      return true;
  *prefix = 0;
  return false;
}

/* ---- sys.path ---- */

static void add_place(python *out, const char *place) {
  struct stat one, other;
  if (stat(place, &one) || !S_ISDIR(one.st_mode))
    return;
  for (size_t i = 0; i < out->place_count; i++) /* lib64 is often a link to lib */
    if (stat(out->places[i], &other) == 0 && other.st_dev == one.st_dev && other.st_ino == one.st_ino)
      return;
  if (access(place, X_OK) == 0 && out->place_count < sizeof out->places / sizeof *out->places)
    snprintf(out->places[out->place_count++], PATH_MAX, "%s", place);
}

/* A site directory, and the directories that its .pth files add. */
static void add_site(python *out, const char *prefix, const char *format) {
  char place[PATH_MAX], line[PATH_MAX], added[PATH_MAX];
  glob_t found;
  if (!join(place, prefix, format, out->version))
    return;
  add_place(out, place);
  if (!glob_below(place, "*.pth", &found))
    return;
  for (size_t i = 0; i < found.gl_pathc; i++) {
    FILE *file = open_regular_stream(found.gl_pathv[i]);
    while (file && fgets(line, sizeof line, file)) {
      line[strcspn(line, "\r\n")] = 0;
      if (!*line || *line == '#' || strncmp(line, "import", 6) == 0)
        continue;
      if (*line == '/')
        add_place(out, line);
      else if (join(added, place, "%s", line))
        add_place(out, added);
    }
    if (file)
      fclose(file);
  }
  globfree(&found);
}

static void add_prefix(python *out, const char *prefix, bool is_venv) {
  if (!is_venv && strcmp(prefix, "/usr") == 0) { /* Debian's own arrangement */
    add_site(out, "/usr/local", "lib/python%s/dist-packages");
    add_site(out, "/usr", "lib/python3/dist-packages");
  }
  add_site(out, prefix, "lib/python%s/site-packages");
  add_site(out, prefix, "lib64/python%s/site-packages");
}

/* What the interpreter's own options leave out. */
typedef struct switches {
  bool no_environment, no_user_site, no_site, no_script_directory;
  const char *script; /* NULL: -c, -m or none */
} switches;

static switches read_switches(const program *p) {
  switches s = {0};
  for (size_t i = 1; p->arguments[i]; i++) {
    const char *word = p->arguments[i];
    if (word[0] != '-' || !word[1]) {
      s.script = word[0] == '-' ? NULL : word;
      return s;
    }
    if (strcmp(word, "-X") == 0 || strcmp(word, "-W") == 0)
      i += p->arguments[i + 1] != NULL;
    if (word[1] == '-' || word[1] == 'X' || word[1] == 'W')
      continue;
    bool isolated = strchr(word, 'I');
    s.no_environment |= isolated || strchr(word, 'E');
    s.no_user_site |= isolated || strchr(word, 's');
    s.no_script_directory |= isolated || strchr(word, 'P');
    s.no_site |= strchr(word, 'S') != NULL;
    if (strpbrk(word, "cm"))
      return s;
  }
  return s;
}

static void add_script_directory(const switches *s, const char *directory, python *out) {
  char place[PATH_MAX], relative[PATH_MAX];
  snprintf(relative, sizeof relative, "%s", directory);
  if (s->script && (*s->script == '/' || join(relative, directory, "%s", s->script))) {
    if (!realpath(*s->script == '/' ? s->script : relative, place) || !climb(place))
      return;
  } else {
    snprintf(place, sizeof place, "%s", directory);
  }
  add_place(out, place);
}

static void add_list(const char *list, const char *directory, python *out) {
  char place[PATH_MAX];
  for (const char *at = list; at && *at; at += *at != 0) {
    int length = (int)strcspn(at, ":");
    snprintf(place, sizeof place, "%s%s%.*s", *at == '/' ? "" : directory, *at == '/' ? "" : "/", length, at);
    add_place(out, place);
    at += length;
  }
}

static void add_user_site(python_lookup lookup, void *context, python *out) {
  char base[PATH_MAX];
  const char *user_base = lookup(context, "PYTHONUSERBASE"), *home = lookup(context, "HOME");
  const struct passwd *account = home ? NULL : getpwuid(getuid());
  home = account ? account->pw_dir : home;
  if (user_base && *user_base)
    add_site(out, user_base, "lib/python%s/site-packages");
  else if (home && join(base, home, "%s", ".local"))
    add_site(out, base, "lib/python%s/site-packages");
}

/* ---- the package ---- */

static void read_package_version(const char *place, python *out) {
  char line[512];
  glob_t found;
  if (!glob_below(place, "pyarrow-*-info/METADATA", &found))
    return;
  FILE *file = open_regular_stream(found.gl_pathv[0]);
  while (file && fgets(line, sizeof line, file) && line[0] != '\n')
    if (sscanf(line, "Version: %31s", out->package_version) == 1)
      break;
  if (file)
    fclose(file);
  globfree(&found);
}

static void find_package(python *out) {
  char probe[PATH_MAX];
  for (size_t i = 0; i < out->place_count; i++) {
    glob_t found;
    if (!join(probe, out->places[i], "%s", "pyarrow/__init__.py") || access(probe, R_OK) ||
        !join(out->package, out->places[i], "%s", "pyarrow"))
      continue;
    read_package_version(out->places[i], out);
    if (glob_below(out->package, "lib.*.so", &found)) {
      snprintf(out->extension, sizeof out->extension, "%s", found.gl_pathv[0]);
      globfree(&found);
    }
    return;
  }
}

static void read_own_version(const program *p, const char *config, python *out) {
  char text[PATH_MAX];
  const char *name = strrchr(p->real, '/');
  if (name && strncmp(name, "/python3.", 9) == 0 && read_version(name, out->version))
    return;
  for (size_t i = 0; i < p->elf.needed_count; i++)
    if (strncmp(p->elf.needed[i], "libpython3.", 11) == 0 && read_version(p->elf.needed[i], out->version))
      return;
  if (read_key(config, "version", text, sizeof text) || read_key(config, "version_info", text, sizeof text))
    read_version(text, out->version);
}

void python_look(const program *p, python_lookup lookup, void *context, const char *directory, python *out) {
  char config[PATH_MAX] = "", prefix[PATH_MAX], text[PATH_MAX];
  const char *home;
  switches s = read_switches(p);
  memset(out, 0, sizeof *out);
  bool is_venv = find_venv(p, config, out->venv);
  read_own_version(p, config, out);
  find_prefix(p->real, out, prefix);
  if (is_venv && read_key(config, "home", text, sizeof text) && strlen(text) < PATH_MAX - 3)
    find_prefix(strcat(text, "/."), out, prefix);
  if (!s.no_environment && (home = lookup(context, "PYTHONHOME")) != NULL && *home)
    snprintf(prefix, sizeof prefix, "%.*s", (int)strcspn(home, ":"), home);
  const char *safe_path = lookup(context, "PYTHONSAFEPATH"), *no_user = lookup(context, "PYTHONNOUSERSITE");
  if (!s.no_script_directory && (s.no_environment || !safe_path || !*safe_path))
    add_script_directory(&s, directory, out);
  if (!s.no_environment)
    add_list(lookup(context, "PYTHONPATH"), directory, out);
  bool system_site = !is_venv || (read_key(config, "include-system-site-packages", text, sizeof text) &&
                                  strcasecmp(text, "true") == 0);
  if (!s.no_site && *out->version) {
    if (is_venv)
      add_prefix(out, out->venv, true);
    if (system_site && !s.no_user_site && (s.no_environment || !no_user || !*no_user))
      add_user_site(lookup, context, out);
    if (system_site && *prefix)
      add_prefix(out, prefix, false);
  }
  find_package(out);
}
